package registry

import (
	"bytes"
	"maps"
	"testing"
)

func wantPolicies(t *testing.T, r *Registry, want map[string]string) {
	t.Helper()
	if got := r.Policies(); !maps.Equal(got, want) {
		t.Errorf("policies are %v, want %v", got, want)
	}
}

func TestPolicy(t *testing.T) {
	first := map[string]string{"orders.*": "first"}
	for name, tc := range map[string]struct {
		happens func(t *testing.T, a, b, c *Registry)
		want    map[string]string
	}{
		"reaches a node that only heard of it from a third one": {func(t *testing.T, a, b, c *Registry) {
			a.SetPolicy("orders.*", "first")
			pull(t, b, a)
			b.mu.Lock()
			b.discard(b.docs[a.ID()])
			b.commit()
			pull(t, c, b)
		}, first},
		"that is later counts, whoever is heard first": {func(t *testing.T, a, b, c *Registry) {
			a.SetPolicy("orders.*", "old")
			pull(t, b, a)
			b.SetPolicy("orders.*", "first")
			pull(t, c, b)
			pull(t, c, a)
		}, first},
		"that was removed does not come back from who did not hear of that": {func(t *testing.T, a, b, c *Registry) {
			a.SetPolicy("orders.*", "first")
			pull(t, b, a)
			pull(t, c, a)
			b.SetPolicy("orders.*", "")
			pull(t, c, b)
			pull(t, c, a)
		}, map[string]string{}},
		"by an authority reaches those who do not follow it": {func(t *testing.T, a, b, c *Registry) {
			a.SetPolicy("orders.*", "old")
			a.Agreed().Apply(7, a.PolicyProposal("orders.*", "first"))
			pull(t, c, a)
		}, first},
		"by an authority is in the snapshot": {func(t *testing.T, a, b, c *Registry) {
			a.Agreed().Apply(7, a.PolicyProposal("orders.*", "first"))
			var image bytes.Buffer
			if err := a.Agreed().Snapshot()(&image); err != nil {
				t.Fatal(err)
			}
			if err := c.Agreed().Restore(&image); err != nil {
				t.Fatal(err)
			}
		}, first},
		"for what is no pattern is refused": {func(t *testing.T, a, b, c *Registry) {
			for _, pattern := range []string{"", "a/b", "a b", string(make([]byte, 65))} {
				if c.SetPolicy(pattern, "x") || c.PolicyProposal(pattern, "x") != nil {
					t.Errorf("took %q", pattern)
				}
			}
			if c.SetPolicy("t", string(make([]byte, MaxPolicy+1))) {
				t.Error("took a policy that is too long")
			}
		}, map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			a, b, c := newTest(1), newTest(2), newTest(3)
			tc.happens(t, a, b, c)
			wantPolicies(t, c, tc.want)
		})
	}
}

func TestPolicyOutlivesARestart(t *testing.T) {
	o := Options{ID: id(1), Generation: 1, DataPath: t.TempDir()}
	r := New(o, nil)
	r.SetPolicy("*", "kept")
	r.SetPolicy("gone", "for now")
	r.SetPolicy("gone", "")
	if err := r.save(); err != nil {
		t.Fatal(err)
	}
	o.Generation = 2
	r = New(o, nil)
	if err := r.Load(); err != nil {
		t.Fatal(err)
	}
	wantPolicies(t, r, map[string]string{"*": "kept"})
	if v, known := r.policies["gone"]; !known || v.text != "" {
		t.Errorf("forgot that there is no policy any more: %v", v)
	}
}
