package gossip

import "time"

// profile is how quick a mesh is, for the network it lives in.
type profile struct {
	probe, probeTimeout time.Duration // memberlist's UDP probes
	suspicion           int
	gossip              time.Duration
	pushPull            time.Duration
	stream              time.Duration // a whole push/pull
	dial                time.Duration
	ping                time.Duration // between two pings over a link
	hush                time.Duration // a link that said nothing for so long makes us ask others
	silence             time.Duration // and for so long proves nothing any more
	rejoin              time.Duration // between two attempts while somebody is missing
	calm                time.Duration // the same while nobody is
	sync                time.Duration // between two comparisons of hashes
	idle                time.Duration // a link that was made for a call and not used for so long is given up
	full                int           // up to so many others every pair is linked
}

var lan = profile{
	probe: 400 * time.Millisecond, probeTimeout: 200 * time.Millisecond, suspicion: 3,
	gossip: 50 * time.Millisecond, pushPull: 15 * time.Second, stream: 3 * time.Second,
	dial: time.Second, ping: 500 * time.Millisecond, hush: 1300 * time.Millisecond, silence: 1800 * time.Millisecond,
	rejoin: time.Second, calm: 15 * time.Second, sync: time.Second, idle: time.Minute, full: fullMesh,
}

var profiles = map[string]profile{
	"":    lan,
	"lan": lan,
	"local": {
		probe: 300 * time.Millisecond, probeTimeout: 150 * time.Millisecond, suspicion: 3,
		gossip: 25 * time.Millisecond, pushPull: 15 * time.Second, stream: 2 * time.Second,
		dial: 500 * time.Millisecond, ping: 400 * time.Millisecond, hush: 1200 * time.Millisecond, silence: 1500 * time.Millisecond,
		rejoin: 500 * time.Millisecond, calm: 10 * time.Second, sync: 500 * time.Millisecond, idle: time.Minute, full: fullMesh,
	},
	"wan": {
		probe: 2 * time.Second, probeTimeout: time.Second, suspicion: 4,
		gossip: 200 * time.Millisecond, pushPull: 60 * time.Second, stream: 15 * time.Second,
		dial: 5 * time.Second, ping: 2 * time.Second, hush: 6 * time.Second, silence: 8 * time.Second,
		rejoin: 3 * time.Second, calm: 30 * time.Second, sync: 2 * time.Second, idle: time.Minute, full: fullMesh,
	},
}
