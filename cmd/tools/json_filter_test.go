package tools

import "testing"

func TestJSONFilter(t *testing.T) {
	keep := []string{"id", "n", "none"}
	for name, c := range map[string]struct {
		filter jsonFilter
		body   string
		want   string
		pass   bool
	}{
		"no filter takes anything":              {jsonFilter{}, "no JSON", "no JSON", true},
		"what is no JSON":                       {jsonFilter{field: "a"}, "no JSON", "", false},
		"what is no object":                     {jsonFilter{field: "a"}, `["a"]`, "", false},
		"null":                                  {jsonFilter{keep: keep}, `null`, "", false},
		"a field that is there":                 {jsonFilter{field: "a"}, `{ "a" : null }`, `{ "a" : null }`, true},
		"a field that is not":                   {jsonFilter{field: "a"}, `{"b":1}`, "", false},
		"a field that is not, and a value":      {jsonFilter{field: "a", text: "1"}, `{"b":1}`, "", false},
		"a string":                              {jsonFilter{field: "a", text: "x"}, `{"a":"x"}`, `{"a":"x"}`, true},
		"another string":                        {jsonFilter{field: "a", text: "x"}, `{"a":"xx"}`, "", false},
		"a string of digits":                    {jsonFilter{field: "a", text: "1"}, `{"a":"1.0"}`, "", false},
		"a number by its value":                 {jsonFilter{field: "a", text: "1"}, `{"a":1.0}`, `{"a":1.0}`, true},
		"another number":                        {jsonFilter{field: "a", text: "1"}, `{"a":2}`, "", false},
		"a number for a word":                   {jsonFilter{field: "a", text: "x"}, `{"a":2}`, "", false},
		"true is neither string nor number":     {jsonFilter{field: "a", text: "true"}, `{"a":true}`, "", false},
		"fields to keep, in the order of names": {jsonFilter{keep: keep}, `{"x":1,"n":2,"id":"i"}`, `{"id":"i","n":2}`, true},
		"large numbers keep their digits":       {jsonFilter{keep: keep}, `{"n":9007199254740993}`, `{"n":9007199254740993}`, true},
		"none of the fields":                    {jsonFilter{keep: keep}, `{"x":1}`, `{}`, true},
		"both":                                  {jsonFilter{field: "x", text: "1", keep: keep}, `{"x":1,"id":2}`, `{"id":2}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got, pass := c.filter.apply([]byte(c.body)); string(got) != c.want || pass != c.pass {
				t.Errorf("got %q, %v", got, pass)
			}
		})
	}
	if err := (&jsonFilter{text: "1"}).check(); err == nil {
		t.Error("a value without its field")
	}
}
