package pages

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/nsqmesh/nsqmesh/admin"
)

// asked makes of a form or an address what is to be done.
func asked(req *http.Request) admin.Action {
	a := admin.Action{
		Kind: admin.Kind(req.PathValue("kind")), Topic: strings.TrimSpace(req.FormValue("topic")), Channel: strings.TrimSpace(req.FormValue("channel")),
		Nodes: values(req, "node"), Delete: req.FormValue("delete") != "", Body: req.FormValue("body"), IDs: values(req, "id"),
		To: strings.TrimSpace(req.FormValue("to")), Client: req.FormValue("client"),
	}
	if ms, err := strconv.ParseInt(req.FormValue("defer"), 10, 64); err == nil {
		a.Defer = time.Duration(ms) * time.Millisecond
	}
	if a.Kind == admin.CreateTopic && a.Channel != "" {
		a.Kind = admin.CreateChannel
	}
	return a
}

func values(req *http.Request, name string) (all []string) {
	_ = req.ParseForm()
	for _, v := range req.Form[name] {
		if v != "" {
			all = append(all, v)
		}
	}
	return all
}

// ask shows the question whether an action is meant.
func (p *Pages) ask(w http.ResponseWriter, req *http.Request) {
	v, a := p.visit(req), asked(req)
	asker, known := askers[a.Kind]
	if !known {
		p.fail(w, v, fmt.Errorf("there is no action %s: %w", a.Kind, errGone))
		return
	}
	if !v.may(a.Kind) {
		p.refuse(w, v, a.Kind)
		return
	}
	q, err := asker(p, v, a)
	if err != nil {
		p.fail(w, v, err)
		return
	}
	q.Action = p.BasePath + "/actions/" + string(a.Kind)
	q.Hidden = hidden(a)
	p.say(w, v, http.StatusOK, "confirm", q.Question, q)
}

func hidden(a admin.Action) (fields []pair) {
	for _, f := range []pair{{"topic", a.Topic}, {"channel", a.Channel}, {"client", a.Client}} {
		if f.Value != "" {
			fields = append(fields, f)
		}
	}
	for _, n := range a.Nodes {
		fields = append(fields, pair{"node", n})
	}
	for _, id := range a.IDs {
		fields = append(fields, pair{"id", id})
	}
	return fields
}

// refuse says why there is nothing to confirm.
func (p *Pages) refuse(w http.ResponseWriter, v *visit, k admin.Kind) {
	why := fmt.Sprintf("This takes the role %s.", k.Needs())
	if v.User != nil {
		why = fmt.Sprintf("This takes the role %s, and %s has the role %s.", k.Needs(), v.User.Name, v.User.Role)
	}
	if v.ReadOnly {
		why = "Actions are switched off on this node (--admin-read-only)."
	}
	p.say(w, v, http.StatusForbidden, "error", "Not allowed", problem{"Not allowed", why, p.BasePath + "/", "To the overview"})
}

// outcome is what became of an action on each node.
type outcome struct {
	Title, Class, Summary, Back, BackWord string
	Nodes                                 []nodeOutcome
}

type nodeOutcome struct{ Node, Class, Word, Text string }

// do carries out what was confirmed and shows what each node answered.
func (p *Pages) do(w http.ResponseWriter, req *http.Request) {
	v, a := p.visit(req), asked(req)
	if !v.may(a.Kind) {
		p.refuse(w, v, a.Kind)
		return
	}
	what := a
	if a.Kind == admin.Disconnect { // a connection is one of a node; its channel is only where the user came from
		what.Topic, what.Channel = "", ""
	}
	result, err := p.Admin.Do(req.Context(), what)
	if err != nil {
		p.say(w, v, http.StatusBadRequest, "result", "Not done", outcome{
			Title: "Not done", Class: "bad", Summary: err.Error(), Back: p.after(a, false), BackWord: "Back"})
		return
	}
	o := outcome{Title: "Done", Class: "good", Summary: result.Summary, Back: p.after(a, result.OK), BackWord: "Go on"}
	if !result.OK {
		o.Title, o.Class = "Not done everywhere", "bad"
	}
	for _, n := range result.Nodes {
		one := nodeOutcome{n.Node, "good", "done", n.Text}
		if !n.OK {
			one.Class, one.Word = "bad", "failed"
		}
		o.Nodes = append(o.Nodes, one)
	}
	p.say(w, v, http.StatusOK, "result", o.Title, o)
}

// after is where to go on: to the thing, if it is still there.
func (p *Pages) after(a admin.Action, done bool) string {
	switch {
	case a.Kind == admin.DeleteTopic && done, a.Topic == "":
		return p.BasePath + "/topics"
	case a.Kind == admin.DeleteChannel && done, a.Channel == "":
		return p.topicLink(a.Topic)
	}
	return p.channelLink(a.Topic, a.Channel)
}

// publish is the form below a topic.
type publish struct {
	Action, Token, Topic string
	Nodes                []choice
}

// publishForm offers the nodes that have the topic; of a topic that nobody has, this one.
func (p *Pages) publishForm(v *visit, topic string, nodes []string) *publish {
	f := &publish{Action: p.actionLink(string(admin.Publish)), Token: v.Token, Topic: topic}
	if len(nodes) == 0 {
		nodes = []string{p.Node}
	}
	for _, n := range nodes {
		f.Nodes = append(f.Nodes, choice{n, n, n == p.Node})
	}
	return f
}

func (p *Pages) topicBar(v *visit, t *admin.TopicDetail) (bar []button) {
	add := func(k admin.Kind, word string, danger bool) {
		if v.may(k) {
			bar = append(bar, button{word, p.actionLink(string(k), "topic", t.Name), danger})
		}
	}
	if admin.UserOf(v.ctx()).MayPeek() {
		bar = append(bar, button{"Look into messages", p.peekLink(t.Name, ""), false})
	}
	if t.Paused > 0 {
		add(admin.UnpauseTopic, "Unpause", false)
	}
	if t.Paused < len(t.Nodes) || t.Paused == 0 {
		add(admin.PauseTopic, "Pause", false)
	}
	add(admin.EmptyTopic, "Empty", true)
	add(admin.DeleteTopic, "Delete", true)
	return bar
}

func (p *Pages) channelBar(v *visit, c *admin.ChannelDetail) (bar []button) {
	add := func(k admin.Kind, word string, danger bool) {
		if v.may(k) {
			bar = append(bar, button{word, p.actionLink(string(k), "topic", c.Topic, "channel", c.Name), danger})
		}
	}
	if admin.UserOf(v.ctx()).MayPeek() {
		bar = append(bar, button{"Look into messages", p.peekLink(c.Topic, c.Name), false})
	}
	if c.Paused > 0 {
		add(admin.UnpauseChannel, "Unpause", false)
	}
	if c.Paused < len(c.Nodes) || c.Paused == 0 {
		add(admin.PauseChannel, "Pause", false)
	}
	if c.InFlight > 0 {
		add(admin.Requeue, "Requeue what is in flight", false)
	}
	add(admin.EmptyChannel, "Empty", true)
	add(admin.DeleteChannel, "Delete", true)
	return bar
}

func (p *Pages) nodeBar(n *admin.NodeDetail) []button {
	return []button{{"How it drains", p.nodeLink(n.Name) + "/drain", false}}
}

func (p *Pages) tombstoneActs(topic string, o admin.OnNode) []act {
	k, word := admin.Tombstone, "Tombstone"
	if o.Tombstoned {
		k, word = admin.Untombstone, "End the tombstone"
	}
	return []act{{word, p.actionLink(string(k), "topic", topic, "node", o.Node), topic + " on " + o.Node}}
}

func (p *Pages) peekLink(topic, channel string) string {
	return p.BasePath + "/messages" + query("topic", topic, "channel", channel)
}
