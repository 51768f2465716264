package tools

import (
	"encoding/json"
	"strconv"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// jsonFilter lets messages pass that are JSON objects with a field, and fields that are wanted.
type jsonFilter struct {
	field, text string
	keep        []string
}

func (j *jsonFilter) add(f *cli.Flags) {
	f.Add(&j.field, "require-json-field", "copy only JSON objects with this `field`")
	f.Add(&j.text, "require-json-value", "and only if its `value` is this")
	f.Add(&j.keep, "whitelist-json-field", "copy only this `field` of JSON objects; repeat for more")
}

func (j *jsonFilter) check() error {
	if j.text != "" && j.field == "" {
		return cli.WrongUsage("--require-json-value needs --require-json-field")
	}
	return nil
}

// apply returns what to copy of a message, if anything.
func (j *jsonFilter) apply(body []byte) (copied []byte, pass bool) {
	if j.field == "" && len(j.keep) == 0 {
		return body, true
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) != nil || object == nil || !j.wanted(object) {
		return nil, false
	}
	if len(j.keep) == 0 {
		return body, true
	}
	kept := map[string]json.RawMessage{}
	for _, name := range j.keep {
		if v, there := object[name]; there {
			kept[name] = v
		}
	}
	copied, err := json.Marshal(kept)
	return copied, err == nil
}

// wanted compares strings byte by byte and numbers by value.
func (j *jsonFilter) wanted(object map[string]json.RawMessage) bool {
	if j.field == "" {
		return true
	}
	raw, there := object[j.field]
	if !there || j.text == "" {
		return there
	}
	var has any
	if json.Unmarshal(raw, &has) != nil {
		return false
	}
	switch has := has.(type) {
	case string:
		return has == j.text
	case float64:
		want, err := strconv.ParseFloat(j.text, 64)
		return err == nil && has == want
	}
	return false
}
