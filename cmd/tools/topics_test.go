package tools

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestIncomplete(t *testing.T) {
	if incomplete(nil) != nil {
		t.Error("nothing has failed")
	}
	if err := incomplete([]error{fmt.Errorf("a"), fmt.Errorf("b")}); err == nil || !strings.Contains(err.Error(), "2 nodes") {
		t.Error(err)
	}
	b, err := json.Marshal(TopicRow{Topic: "t", Channels: []string{}})
	if err != nil || !strings.HasPrefix(string(b), `{"topic":"t","channels":[],`) {
		t.Errorf("%s", b)
	}
}
