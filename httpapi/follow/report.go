package follow

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
)

// errReport says that an answer is none of /watch.
var errReport = errors.New("not an answer to a watch")

// report is what /watch tells at once.
type report struct {
	Token      string     `json:"token"`
	Snapshot   bool       `json:"snapshot"` // this is all there is, not what changed
	Topics     []topic    `json:"topics"`
	Publishers []producer `json:"publishers"` // nil: as before
}

type topic struct {
	Topic     string     `json:"topic"`
	Deleted   bool       `json:"deleted"`
	Producers []producer `json:"producers"`
}

type producer struct {
	BroadcastAddress string `json:"broadcast_address"`
	TCPPort          int    `json:"tcp_port"`
	Zone             string `json:"topology_zone"`
	Region           string `json:"topology_region"`
}

func (p *producer) address() string {
	return net.JoinHostPort(p.BroadcastAddress, strconv.Itoa(p.TCPPort))
}

func parseReport(text []byte) (*report, error) {
	r := new(report)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("%w: %w", errReport, err)
	}
	if r.Token == "" {
		return nil, errReport
	}
	return r, nil
}

// find returns a topic as it is now. It is nil if the report does not tell.
func (r *report) find(name string) *topic {
	for i := range r.Topics {
		if r.Topics[i].Topic == name {
			return &r.Topics[i]
		}
	}
	if r.Snapshot {
		return &topic{Topic: name}
	}
	return nil
}
