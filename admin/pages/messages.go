package pages

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nsqmesh/nsqmesh/admin"
	"github.com/nsqmesh/nsqmesh/admin/chart"
)

// messagesShown is how many messages of a queue a page shows.
const messagesShown = 25

type messages struct {
	Link, Of, Topic, Channel, Empty, Note string
	States, Nodes, Forms                  []choice
	Messages                              []message
}

type message struct {
	ID, Facts, Body string
	Acts            []act
}

func (p *Pages) messages(v *visit) error {
	topic, channel, as := v.asked("topic"), v.asked("channel"), v.asked("as")
	state := admin.State(v.asked("state"))
	if state == "" {
		state = admin.Waiting
	}
	body := messages{Topic: topic, Channel: channel, Of: topic, Link: p.topicLink(topic), Empty: "No message is " + stateWords[state] + " there.",
		Forms: choices(as, "", "text", "json", "JSON", "hex", "hex")}
	if channel != "" {
		body.Of, body.Link = topic+" / "+channel, p.channelLink(topic, channel)
		body.States = choices(string(state), string(admin.Waiting), "waiting", string(admin.InFlight), "in flight", string(admin.Deferred), "deferred")
	} else {
		body.States = choices(string(state), string(admin.Waiting), "waiting")
	}
	nodes, err := p.nodesWith(v, topic)
	if err != nil {
		return err
	}
	node := v.asked("node")
	body.Nodes = choices(node, append([]string{"", "all nodes"}, nodes...)...)
	peek, err := p.Admin.Peek(v.ctx(), topic, channel, state, chosen(node), messagesShown)
	if err != nil {
		return err
	}
	v.covered(peek.Coverage)
	for _, m := range peek.Messages {
		body.Messages = append(body.Messages, p.message(v, peek, m, as))
	}
	body.Note = fmt.Sprintf("%d of %s", len(peek.Messages), plural(peek.Total, "message"))
	if peek.Hidden > 0 {
		body.Note += fmt.Sprintf("; %s of them are on disk, which is not read", group(peek.Hidden))
	}
	v.Title, v.Body = "Messages of "+body.Of, body
	return nil
}

var stateWords = map[admin.State]string{admin.Waiting: "waiting", admin.InFlight: "in flight", admin.Deferred: "deferred"}

// nodesWith are pairs of the nodes that have a topic.
func (p *Pages) nodesWith(v *visit, topic string) (pairs []string, err error) {
	t, err := p.Admin.Topic(v.ctx(), topic)
	if err != nil {
		return nil, err
	}
	if !t.Known {
		return nil, fmt.Errorf("nobody has heard of a topic %s: %w", topic, errGone)
	}
	for _, n := range t.Nodes {
		pairs = append(pairs, n, n)
	}
	return pairs, nil
}

// chosen is one node, or none, which stands for all.
func chosen(node string) []string {
	if node == "" {
		return nil
	}
	return []string{node}
}

// choices are pairs of values and names.
func choices(chosen string, pairs ...string) (all []choice) {
	for i := 0; i+1 < len(pairs); i += 2 {
		all = append(all, choice{Name: pairs[i+1], Value: pairs[i], Chosen: pairs[i] == chosen})
	}
	return all
}

func (p *Pages) message(v *visit, of *admin.Peek, m admin.Message, as string) message {
	facts := []string{chart.Bytes.Text(float64(m.Size)), plural(int64(m.Attempts), "attempt"), lasting(time.Since(m.Timestamp)) + " old", "on " + m.Node}
	if m.Client != "" {
		facts = append(facts, "with "+m.Client)
	}
	switch {
	case of.State == admin.InFlight:
		facts = append(facts, "times out in "+lasting(m.Left))
	case of.State == admin.Deferred:
		facts = append(facts, "due in "+lasting(m.Left))
	}
	if m.Cut {
		facts = append(facts, "its first "+chart.Bytes.Text(float64(len(m.Body))))
	}
	shown := message{ID: m.ID, Facts: strings.Join(facts, " · "), Body: display(m.Body, as)}
	if of.State == admin.InFlight {
		for _, k := range []admin.Kind{admin.Requeue, admin.Move} {
			if v.may(k) {
				shown.Acts = append(shown.Acts, act{sentence(k), p.actionLink(string(k), "topic", of.Topic, "channel", of.Channel, "node", m.Node, "id", m.ID), m.ID})
			}
		}
	}
	return shown
}

// display shows a body as text where it is some, and else byte by byte.
func display(body []byte, as string) string {
	switch {
	case as == "hex" || !utf8.Valid(body) || bytes.ContainsRune(body, 0):
		return hex.Dump(body)
	case as == "json":
		var pretty bytes.Buffer
		if json.Indent(&pretty, body, "", "  ") == nil {
			return pretty.String()
		}
	}
	return string(body)
}

// search goes to what is called so, or to the topics that are called alike.
func (p *Pages) search(w http.ResponseWriter, req *http.Request) {
	name := strings.TrimSpace(req.FormValue("q"))
	v := p.visit(req)
	to := p.BasePath + "/topics" + query("q", name)
	if nodes, err := p.Admin.Nodes(v.ctx()); err == nil {
		for _, n := range nodes.Nodes {
			if n.Name == name || n.Address == name || n.TCPAddress == name || n.ID == name {
				to = p.nodeLink(n.Name)
			}
		}
	}
	if topics, err := p.Admin.Topics(v.ctx()); err == nil {
		topic, channel, _ := strings.Cut(name, "/")
		topic, channel = strings.TrimSpace(topic), strings.TrimSpace(channel)
		for _, t := range topics.Topics {
			switch {
			case t.Name == topic && channel != "":
				to = p.channelLink(topic, channel)
			case t.Name == topic:
				to = p.topicLink(topic)
			}
		}
	}
	http.Redirect(w, req, to, http.StatusSeeOther)
}
