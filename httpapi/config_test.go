package httpapi

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// fakeConfig has one option of each kind.
type fakeConfig struct{ level int }

func (c *fakeConfig) Get(key string) (any, bool) {
	value, ok := map[string]any{
		"text": "raw <text>", "empty": "", "number": int64(123), "switch": true, "time": 90 * time.Second,
		"list": []string{"127.0.0.1:9"}, "null": []string(nil), "floats": []float64{0.99, 0.5}, "log_level": c.level,
	}[key]
	return value, ok
}

func (c *fakeConfig) Set(key string, body []byte) (any, error) {
	switch key {
	case "log_level":
		c.level = 1 + slices.Index([]string{"debug", "info"}, strings.ToLower(string(body)))
		if c.level == 0 {
			return nil, errors.Join(ErrInvalidValue)
		}
		return c.level, nil
	case "list":
		var list []string
		if json.Unmarshal(body, &list) != nil {
			return nil, ErrInvalidValue
		}
		return list, nil
	case "broken":
		return nil, errors.New("out of order")
	}
	return nil, ErrFixedOption
}

func TestConfig(t *testing.T) {
	tests := map[string]exchange{
		"a string is raw":                 {"GET", "/config/text", "", 200, "raw <text>", v1Text},
		"an empty string is nothing":      {"GET", "/config/empty", "", 200, "", v1None},
		"a number":                        {"GET", "/config/number", "", 200, "123", v1JSON},
		"a switch":                        {"GET", "/config/switch", "", 200, "true", v1JSON},
		"a duration is its nanoseconds":   {"GET", "/config/time", "", 200, "90000000000", v1JSON},
		"a list":                          {"GET", "/config/list", "", 200, `["127.0.0.1:9"]`, v1JSON},
		"an empty list may be null":       {"GET", "/config/null", "", 200, "null", v1JSON},
		"numbers in a list":               {"GET", "/config/floats", "", 200, "[0.99,0.5]", v1JSON},
		"an unknown option":               {"GET", "/config/none", "", 400, failure("INVALID_OPTION"), v1JSON},
		"no option":                       {"GET", "/config/", "", 404, failure("NOT_FOUND"), v1JSON},
		"set a level":                     {"PUT", "/config/log_level", "DEBUG", 200, "1", v1JSON},
		"set a list":                      {"PUT", "/config/list", `["a:1","b:2"]`, 200, `["a:1","b:2"]`, v1JSON},
		"set a list to null":              {"PUT", "/config/list", "null", 200, "null", v1JSON},
		"set to nonsense":                 {"PUT", "/config/log_level", "chatty", 400, failure("INVALID_VALUE"), v1JSON},
		"set to nothing":                  {"PUT", "/config/log_level", "", 413, failure("INVALID_VALUE"), v1JSON},
		"nothing comes before the option": {"PUT", "/config/number", "", 413, failure("INVALID_VALUE"), v1JSON},
		"set to too much":                 {"PUT", "/config/list", `["aaaaaaaaaaaaa"]`, 413, failure("INVALID_VALUE"), v1JSON},
		"set to the most":                 {"PUT", "/config/list", `["aaaaaaaaaaaa"]`, 200, `["aaaaaaaaaaaa"]`, v1JSON},
		"set what is fixed":               {"PUT", "/config/number", "5", 400, failure("INVALID_OPTION"), v1JSON},
		"fail to set":                     {"PUT", "/config/broken", "5", 500, failure("INTERNAL_ERROR"), v1JSON},
		"post":                            {"POST", "/config/number", "5", 405, failure("METHOD_NOT_ALLOWED"), map[string]string{"Allow": "GET, OPTIONS, PUT"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test.run(t, newTestNode(t).api) })
	}
}
