package follow

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestEvents(t *testing.T) {
	for name, c := range map[string]struct {
		stream string
		want   []string
	}{
		"an event":                          {"id: 1\nevent: change\ndata: {}\n\n", []string{"{}"}},
		"no space, and carriage returns":    {"data:{}\r\n\r\n", []string{"{}"}},
		"data in lines":                     {"data: a\ndata: b\n\n", []string{"a\nb"}},
		"signs of life":                     {":\n\n: yes\n\ndata: x\n\n", []string{"", "", "x"}},
		"an event that is cut off":          {"data: a\n\ndata: b\n", []string{"a"}},
		"an event without data":             {"event: nothing\n\n", nil},
		"empty data, which is no sign":      {"data\n\n", []string{""}},
		"fields that are not known are not": {"retry: 5\nodd\ndata: a\n\n", []string{"a"}},
	} {
		var got []string
		err := readEvents(strings.NewReader(c.stream), func(data string) error {
			got = append(got, data)
			return nil
		})
		if !errors.Is(err, io.EOF) || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestEventsHaveAnEnd(t *testing.T) {
	endless := io.MultiReader(strings.NewReader("data: "), zeros{})
	if err := readEvents(endless, func(string) error { return nil }); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("a line without an end: %v", err)
	}
	refused := errors.New("refused")
	if err := readEvents(strings.NewReader("data: x\n\n"), func(string) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("an event that is refused: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = '0'
	}
	return len(b), nil
}

func FuzzReports(f *testing.F) {
	f.Add("id: a-1\nevent: snapshot\ndata: {\"token\":\"a-1\",\"snapshot\":true,\"topics\":[{\"topic\":\"t\",\"producers\":[{}]}]}\n\n", "t")
	f.Add(":\n\ndata: {\"token\":\"a-2\",\"topics\":[{\"topic\":\"t\",\"deleted\":true}],\"publishers\":[]}\n\n", "t")
	f.Fuzz(func(t *testing.T, stream, name string) {
		_ = readEvents(strings.NewReader(stream), func(data string) error {
			r, err := parseReport([]byte(data))
			if err != nil {
				return err
			}
			if found := r.find(name); found != nil && found.Topic != name {
				t.Errorf("asked for %q, found %q", name, found.Topic)
			}
			return nil
		})
	})
}
