package httpapi

import (
	"log/slog"
	"net/http/httptest"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/nsqmesh/nsqmesh/node/nsqd"
	"github.com/nsqmesh/nsqmesh/node/queue"
)

// shown is a node of which only the figures are there.
type shown struct {
	Queues
	topics  []queue.TopicStats
	clients []nsqd.ClientStats
	started time.Time
}

func (s *shown) Health() error { return nil }

func (s *shown) FindTopic(name string) *queue.Topic {
	for _, t := range s.topics {
		if t.Name == name {
			return &queue.Topic{}
		}
	}
	return nil
}

func (s *shown) Stats(topic, channel string) (found []queue.TopicStats) {
	for _, t := range s.topics {
		if topic != "" && t.Name != topic {
			continue
		}
		all := t.Channels
		t.Channels = nil
		for _, c := range all {
			if channel == "" || c.Name == channel {
				t.Channels = append(t.Channels, c)
			}
		}
		found = append(found, t)
	}
	return found
}

func (s *shown) get(t *testing.T, uri string) string {
	t.Helper()
	api := NewNsqd(NsqdOptions{
		Queues: s, Metadata: localMetadata{}, Clients: func() []nsqd.ClientStats { return s.clients },
		Info: Info{Version: "1.2.3", StartTime: s.started}, Log: slog.New(slog.DiscardHandler),
	})
	w := httptest.NewRecorder()
	api.ServeHTTP(w, httptest.NewRequest("GET", uri, nil))
	if w.Code != 200 || w.Header().Get(markerHeader) == "" {
		t.Fatalf("got %d %s, header %v", w.Code, w.Body, w.Header())
	}
	want := "text/plain; charset=utf-8"
	if strings.Contains(uri, "format=json") {
		want = "application/json; charset=utf-8"
	}
	if got := w.Header().Get("Content-Type"); got != want {
		t.Errorf("Content-Type %s, want %s", got, want)
	}
	return w.Body.String()
}

var born = time.Unix(1700000000, 0)

// busy shows something of everything: b has a consumer that publishes too, p only publishes.
func busy() *shown {
	percentiles := []queue.Percentile{{Quantile: 1, Value: 2.5e9}, {Quantile: 0.5, Value: 1500}}
	return &shown{
		started: born,
		topics: []queue.TopicStats{
			{Name: "a", Paused: true},
			{Name: "b", Depth: 2, BackendDepth: 1, MessageCount: 3, MessageBytes: 4,
				Latency: queue.Latency{Count: 9, Percentiles: percentiles},
				Channels: []queue.ChannelStats{
					{Name: "c", Depth: 5, BackendDepth: 6, InFlight: 7, Deferred: 8, MessageCount: 9, GlobalCount: 10, RequeueCount: 11,
						TimeoutCount: 12, ConsumerCount: 1, Latency: queue.Latency{Percentiles: percentiles}},
					{Name: "d", Paused: true, ZoneLocalCount: 1, RegionLocalCount: 2},
				}},
		},
		clients: []nsqd.ClientStats{
			{ClientID: "id", Hostname: "host", UserAgent: "agent/1", RemoteAddress: "127.0.0.1:9000", State: 3,
				Connected: born, Topic: "b", Channel: "c", Ready: 1, InFlight: 2, MessageCount: 3, FinishCount: 4, RequeueCount: 5,
				PubCounts: []nsqd.PubCount{{Topic: "a", Count: 6}}, SampleRate: 7, Deflate: true, Snappy: true, TopologyZone: "z", TopologyRegion: "r",
				Authed: true, AuthIdentity: "who", AuthIdentityURL: "http://who",
				TLS: true, TLSVersion: "TLS1.2", TLSCipherSuite: "TLS_SUITE", TLSNegotiatedProtocol: "p", TLSNegotiatedProtocolIsMutual: true},
			{RemoteAddress: "@", Connected: born, PubCounts: []nsqd.PubCount{{Topic: "a", Count: 1}, {Topic: "b", Count: 2}}},
			{ClientID: "idle", Connected: born},
		},
	}
}

const (
	consumerJSON = `{"client_id":"id","hostname":"host","version":"V2","remote_address":"127.0.0.1:9000","state":3,"ready_count":1,` +
		`"in_flight_count":2,"message_count":3,"finish_count":4,"requeue_count":5,"connect_ts":1700000000,"sample_rate":7,` +
		`"deflate":true,"snappy":true,"user_agent":"agent/1","authed":true,"auth_identity":"who","auth_identity_url":"http://who",` +
		`"topology_zone":"z","topology_region":"r",PUBS"tls":true,"tls_cipher_suite":"TLS_SUITE",` +
		`"tls_version":"TLS1.2","tls_negotiated_protocol":"p","tls_negotiated_protocol_is_mutual":true}`
	producerJSON = `{"client_id":"","hostname":"","version":"V2","remote_address":"@","state":0,"ready_count":0,` +
		`"in_flight_count":0,"message_count":0,"finish_count":0,"requeue_count":0,"connect_ts":1700000000,"sample_rate":0,` +
		`"deflate":false,"snappy":false,"user_agent":"","topology_zone":"","topology_region":"",PUBS"tls":false,` +
		`"tls_cipher_suite":"","tls_version":"","tls_negotiated_protocol":"","tls_negotiated_protocol_is_mutual":false}`
	percentilesJSON = `"percentiles":[{"quantile":1,"value":2500000000},{"quantile":0.5,"value":1500}]`
	topicA          = `{"topic_name":"a","channels":[],"depth":0,"backend_depth":0,"message_count":0,"message_bytes":0,"paused":true,` +
		`"e2e_processing_latency":{"count":0,"percentiles":null}}`
	topicB1 = `{"topic_name":"b","channels":[`
	topicB2 = `],"depth":2,"backend_depth":1,"message_count":3,"message_bytes":4,"paused":false,` +
		`"e2e_processing_latency":{"count":9,` + percentilesJSON + `}}`
	channelC = `{"channel_name":"c","depth":5,"backend_depth":6,"in_flight_count":7,"deferred_count":8,"message_count":9,` +
		`"global_msg_count":10,"requeue_count":11,"timeout_count":12,"client_count":1,"clients":CLIENTS,"paused":false,` +
		`"e2e_processing_latency":{"count":0,` + percentilesJSON + `}}`
	channelD = `{"channel_name":"d","depth":0,"backend_depth":0,"in_flight_count":0,"deferred_count":0,"message_count":0,` +
		`"zone_local_msg_count":1,"region_local_msg_count":2,"requeue_count":0,"timeout_count":0,"client_count":0,"clients":CLIENTS,` +
		`"paused":true,"e2e_processing_latency":{"count":0,"percentiles":null}}`
)

func with(text, what, value string) string { return strings.ReplaceAll(text, what, value) }

func TestStatsJSON(t *testing.T) {
	pubs := func(client, topic, count string) string {
		return with(client, "PUBS", `"pub_counts":[{"topic":"`+topic+`","count":`+count+`}],`)
	}
	consumer, producer := pubs(consumerJSON, "a", "6"), pubs(producerJSON, "a", "1")
	bare := with(topicB1+channelC+","+channelD+topicB2, "CLIENTS", "null")
	tests := map[string]struct{ query, topics, producers string }{
		"everything": {"", "[" + topicA + "," + topicB1 + with(channelC, "CLIENTS", "["+consumer+"]") + "," +
			with(channelD, "CLIENTS", "[]") + topicB2 + "]", "[" + consumer + "," + producer + "]"},
		"no clients":               {"&include_clients=false", "[" + topicA + "," + bare + "]", "null"},
		"no clients, said with 0":  {"&include_clients=0", "[" + topicA + "," + bare + "]", "null"},
		"one topic without counts": {"&topic=a&include_clients=0", "[" + topicA + "]", "null"},
		"a topic nobody consumes":  {"&topic=a", "[" + topicA + "]", "[" + consumer + "," + producer + "]"},
		"a topic that one of the producers did not publish to": {"&topic=b",
			"[" + topicB1 + with(channelC, "CLIENTS", "["+with(consumerJSON, "PUBS", "")+"]") + "," + with(channelD, "CLIENTS", "[]") + topicB2 + "]",
			"[" + with(consumerJSON, "PUBS", "") + "," + pubs(producerJSON, "b", "2") + "]"},
		"an unknown topic":           {"&topic=x", "null", "null"},
		"an unknown topic's channel": {"&topic=x&channel=c", "null", "null"},
		"a channel": {"&channel=d&include_clients=yes", "[" + topicB1 + with(channelD, "CLIENTS", "[]") + topicB2 + "]",
			"[" + consumer + "," + producer + "]"},
		"an unknown channel":              {"&channel=x&include_clients=0", "[]", "null"},
		"a channel of a topic without it": {"&topic=a&channel=c&include_clients=0", "[]", "null"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := busy().get(t, "/stats?format=json&include_mem=false"+test.query)
			want := `{"version":"1.2.3","health":"OK","start_time":1700000000,"topics":` + test.topics + `,"producers":` + test.producers + `}`
			if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestStatsOfNothing(t *testing.T) {
	got := (&shown{started: born}).get(t, "/stats?format=json")
	got = regexp.MustCompile(`_[a-z0-9_]+":\d+`).ReplaceAllString(got, "")
	want := `{"version":"1.2.3","health":"OK","start_time":1700000000,"topics":[],"memory":{"heap,"heap,"heap,"heap,"gc,"gc,"gc,"next,"gc},"producers":null}`
	if got = with(got, `"start":1700000000`, ""); with(got, `"start,`, `"start_time":1700000000,`) != want {
		t.Errorf("got %s", got)
	}
}

func TestStatsRefusesABadQuery(t *testing.T) {
	exchange{"GET", "/stats?format=json;topic=t", "", 400, failure("INVALID_REQUEST"), v1JSON}.run(t, newTestNode(t).api)
}

func TestStatsShowsHealth(t *testing.T) {
	n := newTestNode(t, func(o *NsqdOptions) { o.Queues = sick{o.Queues} })
	w := httptest.NewRecorder()
	n.api.ServeHTTP(w, httptest.NewRequest("GET", "/stats?format=json", nil))
	if !strings.Contains(w.Body.String(), `"health":"NOK - disk full"`) {
		t.Errorf("got %s", w.Body)
	}
}

const (
	textTopics = "\nTopics:\n" +
		"*P [a              ] depth: 0     be-depth: 0     msgs: 0        e2e%: \n" +
		"\n" +
		"   [b              ] depth: 2     be-depth: 1     msgs: 3        e2e%: 2.5s, 1.5us\n" +
		"      [c                        ] depth: 5     be-depth: 6     inflt: 7    def: 8    re-q: 11    timeout: 12    msgs: 9        e2e%: 2.5s, 1.5us\n"
	textC = "        [V2 host:9000 agent/1 ] state: 3 inflt: 2    rdy: 1    fin: 4        re-q: 5        msgs: 3        connected: 1m3s\n"
	textD = "   *P [d                        ] depth: 0     be-depth: 0     inflt: 0    def: 0    re-q: 0     timeout: 0     msgs: 0        e2e%: \n"
)

func TestStatsText(t *testing.T) {
	none := "\nProducers: None\n"
	tests := map[string]struct{ query, want string }{
		"everything but memory": {"", with(textTopics, "\n      [c", "\n      [c") +
			"        [V2 host:9000 agent/1 ] msgs: 6        topics: a=6 connected: 1m3s\n" + textD + "\nProducers:\n" +
			"   [V2 host:9000 agent/1 ] msgs: 6        topics: a=6 connected: 1m3s\n" +
			"   [V2 :                 ] msgs: 1        topics: a=1 connected: 1m3s\n"},
		"no clients": {"&include_clients=false", textTopics + textD + none},
		"one topic": {"&topic=b&channel=c", "\nTopics:" + textTopics[strings.Index(textTopics, "\n   [b"):] + textC + "\nProducers:\n" +
			textC[5:] +
			"   [V2 :                 ] msgs: 2        topics: b=2 connected: 1m3s\n"},
		"an unknown topic": {"&topic=x", "\nTopics: None\n" + none},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := busy()
			s.started = time.Now().Add(-63*time.Second - 200*time.Millisecond)
			for i := range s.clients {
				s.clients[i].Connected = s.started
			}
			got := s.get(t, "/stats?format=text&include_mem=0"+test.query)
			head, rest, _ := strings.Cut(got, "\nHealth: OK\n")
			form := `^nsqd v1\.2\.3 \(built w/` + regexp.QuoteMeta(runtime.Version()) + `\)\nstart_time \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S+\nuptime 1m\d\.\d+s\n$`
			if !regexp.MustCompile(form).MatchString(head) {
				t.Errorf("begins with\n%s", head)
			}
			rest = with(rest, "1m4s", "1m3s") // a second may have begun meanwhile
			if rest != test.want {
				t.Errorf("got\n%s\nwant\n%s", rest, test.want)
			}
		})
	}
}

func TestStatsTextMemory(t *testing.T) {
	got := (&shown{started: born}).get(t, "/stats")
	want := `(?s)Health: OK

Memory:
   heap_objects             \t\d+
   heap_idle_bytes          \t\d+
   heap_in_use_bytes        \t\d+
   heap_released_bytes      \t\d+
   gc_pause_usec_100        \t\d+
   gc_pause_usec_99         \t\d+
   gc_pause_usec_95         \t\d+
   next_gc_bytes            \t\d+
   gc_total_runs            \t\d+

Topics: None

Producers: None
$`
	if !regexp.MustCompile(want).MatchString(got) {
		t.Errorf("got\n%s", got)
	}
}

func TestTextNanoseconds(t *testing.T) {
	for ns, want := range map[float64]string{
		0: "0.0ns", 1000: "1000.0ns", 1001: "1.0us", 1e6: "1000.0us", 1.5e6: "1.5ms", 1e9: "1000.0ms", 61.26e9: "61.3s",
	} {
		if got := textNanoseconds(ns); got != want {
			t.Errorf("%v: got %s, want %s", ns, got, want)
		}
	}
}
