package pages

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"strings"

	"github.com/nsqmesh/nsqmesh/admin"
	"github.com/nsqmesh/nsqmesh/admin/chart"
)

//go:embed templates/*.html
var templateFiles embed.FS

// shared are the templates that pages are made of; every other file is a page of its own.
var shared = []string{"templates/layout.html", "templates/parts.html", "templates/nodes.html"}

// parseTemplates gives a set of templates for each page, by the name of its file.
func parseTemplates(assetPath func(string) string) (map[string]*template.Template, error) {
	base, err := template.New("").Funcs(functions(assetPath)).ParseFS(templateFiles, shared...)
	if err != nil {
		return nil, fmt.Errorf("parse shared templates: %w", err)
	}
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("list templates: %w", err)
	}
	pages := map[string]*template.Template{}
	for _, file := range files {
		if strings.Contains(strings.Join(shared, " "), file) {
			continue
		}
		set, err := template.Must(base.Clone()).ParseFS(templateFiles, file)
		if err != nil {
			return nil, fmt.Errorf("parse template %s: %w", file, err)
		}
		pages[strings.TrimSuffix(path.Base(file), ".html")] = set
	}
	return pages, nil
}

func functions(assetPath func(string) string) template.FuncMap {
	return template.FuncMap{
		"asset":      assetPath,
		"tokenField": func() string { return admin.TokenField },
		"count":      func(n int64) string { return chart.Count.Text(float64(n)) },
		"rate":       func(v float64) string { return chart.Rate.Text(v) },
		"spark":      sparkCount,
		"sparkRate":  sparkRate,
		"cell":       func(key, name string, n int64) cell { return cell{key + "." + name, n} },
		"acts":       func(shown bool, of actor) acts { return acts{shown, of.actions()} },
	}
}

// cell is a number that moves.
type cell struct {
	Key   string
	Value int64
}

type acts struct {
	Shown bool
	Acts  []act
}

// act is a link to something that can be done; Of names the thing for those who do not see the row it stands in.
type act struct{ Word, Link, Of string }

// actor is a row that something can be done with.
type actor interface{ actions() []act }

// tag is a short word that qualifies a thing.
type tag struct{ Word, Class, Title string }

// render writes a whole page.
func (p *Pages) render(name string, f *frame) ([]byte, error) {
	set := p.templates[name]
	if set == nil {
		return nil, fmt.Errorf("no page is called %q", name)
	}
	var b bytes.Buffer
	if err := set.ExecuteTemplate(&b, "layout", f); err != nil {
		return nil, fmt.Errorf("draw page %s: %w", name, err)
	}
	return b.Bytes(), nil
}
