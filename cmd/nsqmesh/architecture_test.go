package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/nsqmesh/nsqmesh/"

// arrows says which of our packages a package may import (docs/design.md). A package that is not named may not exist.
var arrows = map[string][]string{
	"cmd/nsqmesh":    {"cmd/cli", "cmd/cluster", "cmd/tools", "cmd/bench", "cmd/keyring", "cmd/user", "cmd/metrics", "admin", "admin/pages", "httpapi", "node", "node/names", "node/policy", "node/nsqd", "node/lookupd", "node/statsd", "node/history", "node/queue", "node/registry", "gossip", "raftstore"},
	"cmd/torture":    {"node/seeded"},
	"cmd/tools":      {"cmd/cli", "cmd/cluster", "node/names"},
	"cmd/bench":      {"cmd/cli", "node/names"},
	"cmd/cluster":    {"cmd/cli"},
	"cmd/keyring":    {"cmd/cli"},
	"cmd/user":       {"cmd/cli", "admin"},
	"cmd/metrics":    {"gossip", "node/names", "node/queue"},
	"cmd/cli":        {},
	"admin":          {"httpapi", "node/names"},
	"admin/chart":    {},
	"admin/pages":    {"admin", "admin/chart"},
	"httpapi":        {"node", "node/policy", "node/history", "node/nsqd", "node/lookupd", "node/statsd", "node/queue", "node/registry", "node/names"},
	"httpapi/follow": {},
	"node":           {"node/nsqd", "node/lookupd", "node/queue", "node/registry", "node/policy", "node/names"},
	"node/nsqd":      {"node/queue", "node/names"},
	"node/lookupd":   {"node/registry", "node/names"},
	"node/statsd":    {"node/queue", "node/names"},
	"node/history":   {"node/queue", "node/names"},
	"node/queue":     {"node/names", "node/seeded"},
	"node/registry":  {"node/names", "node/seeded"},
	"node/policy":    {"node/names"},
	"node/names":     {},
	"node/seeded":    {},
	"gossip":         {"gossip/simnet"},
	"gossip/simnet":  {},
	"raftstore":      {},
}

// owners says which package alone may import a third-party library.
var owners = map[string]string{
	"github.com/hashicorp/memberlist":      "gossip",
	"github.com/hashicorp/raft":            "raftstore",
	"github.com/hashicorp/raft-boltdb":     "raftstore",
	"go.etcd.io/bbolt":                     "raftstore",
	"github.com/nsqio/go-diskqueue":        "node/queue",
	"github.com/prometheus":                "cmd/metrics",
	"github.com/julienschmidt/httprouter":  "httpapi",
	"github.com/BurntSushi/toml":           "cmd/nsqmesh",
	"github.com/klauspost/compress/s2":     "node/nsqd",
	"github.com/klauspost/compress/snappy": "node/nsqd",
	"github.com/klauspost/compress/flate":  "node/nsqd",
	"html/template":                        "admin",
	"golang.org/x/crypto":                  "admin",
}

const maxLines = 400

func TestArchitecture(t *testing.T) {
	root := filepath.Join("..", "..")
	comments := map[string]int{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") {
			return err
		}
		rel, _ := filepath.Rel(root, file)
		rel = filepath.ToSlash(rel)
		source, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if n := strings.Count(string(source), "\n"); n > maxLines {
			t.Errorf("%s has %d lines, more than %d: split it by noun", rel, n, maxLines)
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, source, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		checkImports(t, rel, f)
		if !strings.HasSuffix(rel, "_test.go") {
			comments[path.Dir(rel)] += 0
			if f.Doc != nil {
				comments[path.Dir(rel)]++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir, n := range comments {
		if n != 1 {
			t.Errorf("package %s has %d package comments, want one", dir, n)
		}
	}
}

func checkImports(t *testing.T, rel string, f *ast.File) {
	dir := path.Dir(rel)
	allowed, known := arrows[dir]
	if !known {
		t.Errorf("%s: the layout has no room %q", rel, dir)
	}
	test := strings.HasSuffix(rel, "_test.go")
	for _, spec := range f.Imports {
		imported := strings.Trim(spec.Path.Value, `"`)
		if own, ok := strings.CutPrefix(imported, module); ok {
			if own != dir && !test && !slices.Contains(allowed, own) {
				t.Errorf("%s imports %s against the arrows", rel, own)
			}
			continue
		}
		for library, owner := range owners {
			if (imported == library || strings.HasPrefix(imported, library+"/")) && dir != owner && !strings.HasPrefix(dir, owner+"/") && !test {
				t.Errorf("%s imports %s, which only %s knows", rel, imported, owner)
			}
		}
	}
}
