package admin

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write openapi.json")

// operation is what the document says about a route beside its path.
type operation struct {
	summary string
	query   []string // "name: what it is"
	body    any
	result  any // nil is a stream of events
}

var (
	lists   = []string{"search: part of the name", "regexp: regular expression for the name", "sort: column, with - in front the highest first", "page: from 1", "per_page: up to 1000"}
	looking = []string{"state: waiting, in_flight or deferred", "node: name or address; repeatable", "max: up to 100 of each node"}
)

var operations = map[string]operation{
	"GET /overview": {"The mesh at a glance, with what needs attention", nil, nil, Overview{}},
	"GET /topics": {"Topics", lists, nil, struct {
		TopicList
		Page
	}{}},
	"GET /topics/{topic}":                             {"One topic, on each node and in each channel", nil, nil, TopicDetail{}},
	"GET /topics/{topic}/messages":                    {"Look at messages that wait in the topic itself", looking[1:], nil, Peek{}},
	"GET /topics/{topic}/channels/{channel}":          {"One channel, on each node, with its consumers", nil, nil, ChannelDetail{}},
	"GET /topics/{topic}/channels/{channel}/messages": {"Look at messages of a channel", looking, nil, Peek{}},
	"GET /channels": {"Channels", lists, nil, struct {
		ChannelList
		Page
	}{}},
	"GET /nodes": {"Nodes", lists, nil, struct {
		NodeList
		Page
	}{}},
	"GET /nodes/{node}": {"One node, by name, id or HTTP address, with all it has", nil, nil, NodeDetail{}},
	"GET /consumers": {"Consumers", lists, nil, struct {
		ClientList
		Page
	}{}},
	"GET /mesh":     {"Members, and whether they know the same", nil, nil, MeshView{}},
	"GET /lookup":   {"Topics that consumers find nobody for, and where lookups are served", nil, nil, LookupView{}},
	"GET /counter":  {"Messages that channels took since their nodes started", nil, nil, Counter{}},
	"GET /history":  {"How numbers were", []string{"of: topic, topic:channel or, for all, empty; repeatable", "node: on one node", "span: hour or day", "points: how many at most"}, nil, History{}},
	"GET /audit":    {"What people did", nil, nil, Audit{}},
	"POST /actions": {"Do something", nil, Action{}, Result{}},
	"GET /events":   {"Changes as server-sent events, the data of each a Change", []string{"of: topic, topic:channel or *; repeatable"}, nil, nil},
}

type object = map[string]any

// schemas collects those of types by name.
type schemas struct {
	all  object
	docs map[string]string // "Type.Field": its comment
}

func (s *schemas) of(t reflect.Type) object {
	switch t {
	case reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case reflect.TypeFor[time.Duration]():
		return object{"type": "integer", "description": "nanoseconds"}
	case reflect.TypeFor[Rate]():
		return object{"type": []string{"number", "null"}}
	case reflect.TypeFor[Values]():
		return object{"type": "array", "items": object{"type": []string{"number", "null"}}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return object{"oneOf": []any{s.of(t.Elem()), object{"type": "null"}}}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return object{"type": "string", "contentEncoding": "base64"}
		}
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.Struct:
		return s.structure(t)
	}
	return object{"type": "integer"}
}

func (s *schemas) structure(t reflect.Type) object {
	if t.Name() != "" {
		if _, done := s.all[t.Name()]; !done {
			s.all[t.Name()] = object{}
			s.all[t.Name()] = s.fields(t)
		}
		return object{"$ref": "#/components/schemas/" + t.Name()}
	}
	return s.fields(t)
}

// fields are those that encoding/json writes: of embedded structs, too, unless a field above has their name.
func (s *schemas) fields(t reflect.Type) object {
	properties := object{}
	var add func(t reflect.Type, depth int)
	at := map[string]int{}
	add = func(t reflect.Type, depth int) {
		for f := range t.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case f.Anonymous && name == "":
				add(f.Type, depth+1)
			case name == "" || name == "-":
			case at[name] == 0 || at[name] > depth:
				at[name] = depth
				properties[name] = described(s.of(f.Type), s.docs[t.Name()+"."+f.Name])
			}
		}
	}
	add(t, 1)
	return object{"type": "object", "properties": properties}
}

func described(schema object, comment string) object {
	if comment == "" {
		return schema
	}
	if before, ok := schema["description"]; ok {
		comment = before.(string) + "; " + comment
	}
	schema["description"] = comment
	return schema
}

// comments reads what the code says about fields.
func comments(t *testing.T) map[string]string {
	docs := map[string]string{}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range files {
		if !strings.HasPrefix(entry.Name(), "model") && entry.Name() != "events.go" && entry.Name() != "api_list.go" {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), entry.Name(), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			structure, ok := spec.Type.(*ast.StructType)
			if !ok {
				return true
			}
			for _, field := range structure.Fields.List {
				for _, name := range field.Names {
					docs[spec.Name.Name+"."+name.Name] = strings.TrimSpace(field.Comment.Text())
				}
			}
			return true
		})
	}
	return docs
}

var pathParameter = regexp.MustCompile(`\{(\w+)\}`)

func (s *schemas) operation(r route, o operation) object {
	parameters := []any{}
	for _, m := range pathParameter.FindAllStringSubmatch(r.path, -1) {
		parameters = append(parameters, object{"name": m[1], "in": "path", "required": true, "schema": object{"type": "string"}})
	}
	for _, q := range o.query {
		name, what, _ := strings.Cut(q, ": ")
		parameters = append(parameters, object{"name": name, "in": "query", "description": what, "schema": object{"type": "string"}})
	}
	ok := object{"description": "OK", "content": object{"text/event-stream": object{"schema": s.of(reflect.TypeFor[Change]())}}}
	if o.result != nil {
		ok["content"] = object{"application/json": object{"schema": s.of(reflect.TypeOf(o.result))}}
	}
	failure := object{"description": "an error", "content": object{"application/json": object{"schema": object{
		"type": "object", "properties": object{"message": object{"type": "string"}},
	}}}}
	doc := object{"summary": o.summary, "description": "Needs the role " + r.role.String() + ".", "parameters": parameters, "responses": object{"200": ok, "default": failure}}
	if o.body != nil {
		doc["requestBody"] = object{"required": true, "content": object{"application/json": object{"schema": s.of(reflect.TypeOf(o.body))}}}
	}
	return doc
}

func TestOpenAPI(t *testing.T) {
	s := &schemas{all: object{}, docs: comments(t)}
	paths := object{}
	documented := 0
	for _, r := range New(Options{}).routes() {
		o, ok := operations[r.method+" "+strings.TrimPrefix(r.path, apiBase)]
		if !ok {
			t.Errorf("%s %s is not documented", r.method, r.path)
			continue
		}
		documented++
		of, _ := paths[r.path].(object)
		if of == nil {
			of = object{}
			paths[r.path] = of
		}
		of[strings.ToLower(r.method)] = s.operation(r, o)
	}
	if documented != len(operations) {
		t.Errorf("%d operations are documented, %d are served", len(operations), documented)
	}
	kinds := []string{}
	for k := range verbs {
		kinds = append(kinds, string(k))
	}
	slices.Sort(kinds)
	s.all["Action"].(object)["properties"].(object)["kind"] = object{"type": "string", "enum": kinds}
	doc := object{
		"openapi":    "3.1.0",
		"info":       object{"title": "nsqmesh admin", "version": "1", "description": "What the admin pages show and do. Nodes that did not answer are named in missing."},
		"paths":      paths,
		"components": object{"schemas": s.all, "securitySchemes": object{"token": object{"type": "http", "scheme": "bearer"}}},
		"security":   []any{object{"token": []any{}}, object{}},
	}
	want, err := json.MarshalIndent(doc, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile("openapi.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(document, want) {
		t.Error("openapi.json is not what the routes and types are; run go test ./admin -run OpenAPI -update")
	}
}
