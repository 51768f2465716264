package nsqd

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestIdentifyAnswer(t *testing.T) {
	inBubble(t, testOptions(), func(t *testing.T, h *harness) {
		want := `{"max_rdy_count":2500,"version":"1.2.3-test","max_msg_timeout":900000,"msg_timeout":60000,"tls_v1":false,` +
			`"deflate":false,"deflate_level":6,"max_deflate_level":6,"snappy":false,"sample_rate":0,"auth_required":false,` +
			`"output_buffer_size":16384,"output_buffer_timeout":250,"topology_region":"","topology_zone":""}`
		if got := h.open().identify(`{"feature_negotiation":true}`); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// TestIdentify sends a body and compares fields of the answer, or the error.
func TestIdentify(t *testing.T) {
	tests := map[string]struct {
		body, want string
	}{
		"null is an empty object":   {"null", "OK"},
		"no negotiation is plain":   {`{"feature_negotiation":false,"deflate":true,"snappy":true,"tls_v1":true}`, "OK"},
		"keys in any letter case":   {`{"Feature_Negotiation":true,"MSG_TIMEOUT":2000,"Sample_Rate":7}`, `{"msg_timeout":2000,"sample_rate":7}`},
		"unknown keys":              {`{"feature_negotiation":true,"a":{"b":[1]},"short_id":"s"}`, `{"msg_timeout":60000}`},
		"not JSON":                  {"client_id=me", "E_BAD_BODY IDENTIFY failed to decode JSON body"},
		"an array":                  {"[]", "E_BAD_BODY IDENTIFY failed to decode JSON body"},
		"a number as text":          {`{"heartbeat_interval":"1000"}`, "E_BAD_BODY IDENTIFY failed to decode JSON body"},
		"a fraction":                {`{"msg_timeout":1500.0}`, "E_BAD_BODY IDENTIFY failed to decode JSON body"},
		"text as a number":          {`{"client_id":7}`, "E_BAD_BODY IDENTIFY failed to decode JSON body"},
		"heartbeat default":         {`{"heartbeat_interval":0}`, "OK"},
		"heartbeat shortest":        {`{"heartbeat_interval":1000}`, "OK"},
		"heartbeat longest":         {`{"heartbeat_interval":60000}`, "OK"},
		"heartbeat too short":       {`{"heartbeat_interval":999}`, "E_BAD_BODY IDENTIFY heartbeat interval (999) is invalid"},
		"heartbeat too long":        {`{"heartbeat_interval":60001}`, "E_BAD_BODY IDENTIFY heartbeat interval (60001) is invalid"},
		"heartbeat negative":        {`{"heartbeat_interval":-2}`, "E_BAD_BODY IDENTIFY heartbeat interval (-2) is invalid"},
		"buffer timeout shortest":   {`{"feature_negotiation":true,"output_buffer_timeout":25}`, `{"output_buffer_timeout":25}`},
		"buffer timeout off":        {`{"feature_negotiation":true,"output_buffer_timeout":-1}`, `{"output_buffer_timeout":0,"output_buffer_size":16384}`},
		"buffer timeout too short":  {`{"output_buffer_timeout":24}`, "E_BAD_BODY IDENTIFY output buffer timeout (24) is invalid"},
		"buffer timeout too long":   {`{"output_buffer_timeout":30001}`, "E_BAD_BODY IDENTIFY output buffer timeout (30001) is invalid"},
		"buffer size smallest":      {`{"feature_negotiation":true,"output_buffer_size":64}`, `{"output_buffer_size":64,"output_buffer_timeout":250}`},
		"buffer size off":           {`{"feature_negotiation":true,"output_buffer_size":-1,"output_buffer_timeout":100}`, `{"output_buffer_size":1,"output_buffer_timeout":0}`},
		"buffer size too small":     {`{"output_buffer_size":63}`, "E_BAD_BODY IDENTIFY output buffer size (63) is invalid"},
		"buffer size too big":       {`{"output_buffer_size":65537}`, "E_BAD_BODY IDENTIFY output buffer size (65537) is invalid"},
		"sample rate highest":       {`{"feature_negotiation":true,"sample_rate":99}`, `{"sample_rate":99}`},
		"sample rate too high":      {`{"sample_rate":100}`, "E_BAD_BODY IDENTIFY sample rate (100) is invalid"},
		"sample rate negative":      {`{"sample_rate":-1}`, "E_BAD_BODY IDENTIFY sample rate (-1) is invalid"},
		"message timeout longest":   {`{"feature_negotiation":true,"msg_timeout":900000}`, `{"msg_timeout":900000,"max_msg_timeout":900000}`},
		"message timeout too short": {`{"msg_timeout":999}`, "E_BAD_BODY IDENTIFY msg timeout (999) is invalid"},
		"message timeout too long":  {`{"msg_timeout":900001}`, "E_BAD_BODY IDENTIFY msg timeout (900001) is invalid"},
		"message timeout negative":  {`{"msg_timeout":-1}`, "E_BAD_BODY IDENTIFY msg timeout (-1) is invalid"},
		"first mistake: heartbeat":  {`{"msg_timeout":1,"sample_rate":500,"output_buffer_size":2,"output_buffer_timeout":3,"heartbeat_interval":4}`, "E_BAD_BODY IDENTIFY heartbeat interval (4) is invalid"},
		"then the buffer's timeout": {`{"msg_timeout":1,"sample_rate":500,"output_buffer_size":2,"output_buffer_timeout":3}`, "E_BAD_BODY IDENTIFY output buffer timeout (3) is invalid"},
		"then the buffer's size":    {`{"msg_timeout":1,"sample_rate":500,"output_buffer_size":2}`, "E_BAD_BODY IDENTIFY output buffer size (2) is invalid"},
		"then the sample rate":      {`{"msg_timeout":1,"sample_rate":500}`, "E_BAD_BODY IDENTIFY sample rate (500) is invalid"},
		"TLS that isn't there":      {`{"feature_negotiation":true,"tls_v1":true}`, `{"tls_v1":false}`},
		"level without deflate":     {`{"feature_negotiation":true,"deflate_level":3}`, `{"deflate":false,"deflate_level":5}`},
		"level that was asked for":  {`{"feature_negotiation":true,"deflate":true,"deflate_level":2}`, `{"deflate":true,"deflate_level":2,"max_deflate_level":5}`},
		"level cut to the most":     {`{"feature_negotiation":true,"deflate":true,"deflate_level":9}`, `{"deflate":true,"deflate_level":5}`},
		"level by default":          {`{"feature_negotiation":true,"deflate":true,"deflate_level":-3}`, `{"deflate":true,"deflate_level":5}`},
		"both, of which one is on":  {`{"feature_negotiation":true,"deflate":true,"snappy":true}`, `{"deflate":true,"snappy":false}`},
		"where the server is":       {`{"feature_negotiation":true}`, `{"topology_region":"north","topology_zone":"n1"}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o := testOptions()
			o.MaxDeflateLevel, o.Snappy = 5, false
			o.TopologyRegion, o.TopologyZone = "north", "n1"
			inBubble(t, o, func(t *testing.T, h *harness) {
				c := h.open()
				c.send("IDENTIFY some thing\n", sized(test.body))
				kind, data, err := c.frame()
				switch {
				case err != nil:
					t.Fatal(err)
				case strings.HasPrefix(test.want, "{"):
					var got, want map[string]any
					if kind != frameResponse || json.Unmarshal([]byte(data), &got) != nil || json.Unmarshal([]byte(test.want), &want) != nil {
						t.Fatalf("got %s", show(kind, data))
					}
					for key, value := range want {
						if got[key] != value {
							t.Errorf("%s is %v, want %v", key, got[key], value)
						}
					}
				case data != test.want:
					t.Fatalf("got %s, want %s", data, test.want)
				case kind == frameError:
					c.ends()
				}
			})
		})
	}
}

func TestIdentifyBodySize(t *testing.T) {
	o := testOptions()
	o.MaxBodySize = 300
	tests := map[int]string{
		0: "invalid body size 0", -5: "invalid body size -5", 301: "body too big 301 > 300",
	}
	for n, want := range tests {
		inBubble(t, o, func(t *testing.T, h *harness) {
			c := h.open()
			c.send("IDENTIFY\n", int32Bytes(n))
			c.expect("error E_BAD_BODY IDENTIFY " + want)
			c.ends()
		})
	}
	inBubble(t, o, func(t *testing.T, h *harness) {
		h.open().identify(fmt.Sprintf(`{"client_id":%q}`, strings.Repeat("i", 284)))
	})
}

func TestClientFacts(t *testing.T) {
	inBubble(t, testOptions(), func(t *testing.T, h *harness) {
		born := time.Now()
		producer, consumer := h.open(), h.open()
		time.Sleep(time.Second)
		producer.send("PUB a\n", sized("x"), "MPUB a\n", mpubBody("y", "z"), "PUB b\n", sized("x"), "MPUB none\n", int32Bytes(1<<30))
		consumer.identify(`{"client_id":"reader-7","hostname":"h7","user_agent":"tester/0.1","topology_region":"r1","topology_zone":"z1","sample_rate":5}`)
		consumer.send("SUB audit log\nRDY 9\n")
		consumer.expect("response OK")
		producer.expect("response OK", "response OK", "response OK")
		synctest.Wait()
		clients := h.server.Clients()
		got := clients[len(clients)-1]
		want := ClientStats{
			ClientID: "reader-7", Hostname: "h7", UserAgent: "tester/0.1", RemoteAddress: "pipe", State: 3, Connected: born,
			Topic: "audit", Channel: "log", Ready: 9, SampleRate: 5, TopologyZone: "z1", TopologyRegion: "r1",
		}
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	})
}

func TestPubCounts(t *testing.T) {
	inBubble(t, testOptions(), func(t *testing.T, h *harness) {
		c := h.open()
		c.send("PUB a\n", sized("x"), "PUB b\n", sized("x"), "MPUB a\n", mpubBody("y", "z"), "DPUB a 50\n", sized("d"))
		c.expect("response OK", "response OK", "response OK", "response OK")
		counts := map[string]uint64{}
		for _, p := range h.server.Clients()[0].PubCounts {
			counts[p.Topic] = p.Count
		}
		if len(counts) != 2 || counts["a"] != 4 || counts["b"] != 1 {
			t.Errorf("got %v", counts)
		}
		if h.server.Clients()[0].Topic != "" {
			t.Error("a producer has no topic")
		}
	})
}

func TestRemoteAddress(t *testing.T) {
	h := newHarness(t, testOptions())
	l := h.listen("tcp", "127.0.0.1:0")
	c := h.dial(l)
	c.send("PUB t\n", sized("x"))
	c.expect("response OK")
	s := h.server.Clients()[0]
	if s.RemoteAddress != c.conn.LocalAddr().String() || s.ClientID != "127.0.0.1" || s.Hostname != "127.0.0.1" {
		t.Errorf("got %+v", s)
	}
	c.identify("{}")
	if s := h.server.Clients()[0]; s.ClientID != "" || s.Hostname != "" {
		t.Errorf("got %+v after an IDENTIFY without names", s)
	}
	c.close()
	u := h.dial(h.listen("unix", t.TempDir()+"/s"))
	u.send("PUB t\n", sized("x"))
	u.expect("response OK")
	clients := h.server.Clients()
	if s := clients[len(clients)-1]; s.RemoteAddress != "@" || s.ClientID != "" {
		t.Errorf("got %+v over a Unix socket", s)
	}
}
