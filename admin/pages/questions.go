package pages

import (
	"fmt"

	"github.com/nsqmesh/nsqmesh/admin"
)

// question is what somebody is asked before something is done: what exactly, to what, and what happens then.
type question struct {
	Question, Button, Action, Back string
	Effects                        []string
	Nodes                          string
	Danger                         bool
	Hidden                         []pair
	Fields                         []field
}

// field is something to be filled in along with the answer.
type field struct {
	Label, Hint, Name, Value, Pattern string
	Required, Long                    bool
	Choices                           []choice
}

type choice struct {
	Name, Value string
	Chosen      bool
}

// asker makes the question for one kind of action.
type asker func(*Pages, *visit, admin.Action) (question, error)

var askers = map[admin.Kind]asker{
	admin.CreateTopic: (*Pages).askCreate, admin.CreateChannel: (*Pages).askCreate,
	admin.DeleteTopic: (*Pages).askTopic, admin.PauseTopic: (*Pages).askTopic, admin.UnpauseTopic: (*Pages).askTopic, admin.EmptyTopic: (*Pages).askTopic,
	admin.DeleteChannel: (*Pages).askChannel, admin.PauseChannel: (*Pages).askChannel, admin.UnpauseChannel: (*Pages).askChannel, admin.EmptyChannel: (*Pages).askChannel,
	admin.Tombstone: (*Pages).askTombstone, admin.Untombstone: (*Pages).askTombstone,
	admin.Disconnect: (*Pages).askDisconnect,
	admin.Requeue:    (*Pages).askInFlight, admin.Move: (*Pages).askInFlight,
}

func (p *Pages) askCreate(_ *visit, a admin.Action) (question, error) {
	q := question{
		Question: "Create the topic " + a.Topic + "?", Button: "Create the topic", Back: p.BasePath + "/topics",
		Effects: []string{"All nodes get to know the name. Messages wait there until a channel takes them."},
	}
	if a.Channel != "" {
		q.Question, q.Button = "Create the channel "+a.Channel+" of the topic "+a.Topic+"?", "Create the channel"
		q.Effects = []string{
			"All nodes that have the topic make the channel; one that gets the topic later makes it then.",
			"From then on the channel keeps every message of the topic until a consumer takes it.",
		}
	}
	return q, nil
}

func (p *Pages) askTopic(v *visit, a admin.Action) (question, error) {
	t, err := p.Admin.Topic(v.ctx(), a.Topic)
	if err != nil {
		return question{}, err
	}
	if !t.Known {
		return question{}, fmt.Errorf("nobody has heard of a topic %s: %w", a.Topic, errGone)
	}
	v.covered(t.Coverage)
	q := question{Back: p.topicLink(a.Topic), Nodes: enumerate(t.Nodes)}
	inChannels := t.Depth - t.TopicDepth
	switch a.Kind {
	case admin.PauseTopic:
		q.Question, q.Button = "Pause the topic "+a.Topic+"?", "Pause the topic"
		q.Effects = []string{"It goes on taking messages; they wait in the topic and reach none of its channels.",
			"What its channels already have is still delivered.", "This holds on every node that has the topic now or gets it later, until it is unpaused."}
	case admin.UnpauseTopic:
		q.Question, q.Button = "Unpause the topic "+a.Topic+"?", "Unpause the topic"
		q.Effects = []string{"The " + plural(t.TopicDepth, "message") + " that wait in the topic go to its channels, and new ones follow."}
	case admin.EmptyTopic:
		q.Question, q.Button, q.Danger = "Empty the topic "+a.Topic+"?", "Throw the messages away", true
		q.Effects = []string{plural(t.TopicDepth, "message") + " that wait in the topic itself, because it is paused or has no channel, are thrown away.",
			fmt.Sprintf("The %s in its %s stay. Empty a channel on its own page.", plural(inChannels, "message"), plural(int64(len(t.ChannelRows)), "channel"))}
	case admin.DeleteTopic:
		q.Question, q.Button, q.Danger = "Delete the topic "+a.Topic+"?", "Delete the topic "+a.Topic, true
		q.Effects = deleteEffects(t)
	}
	return q, nil
}

func deleteEffects(t *admin.TopicDetail) []string {
	names := make([]string, len(t.ChannelRows))
	for i, c := range t.ChannelRows {
		names[i] = c.Name
	}
	effects := []string{plural(t.Depth+t.InFlight+t.Deferred, "message") + " that wait, are in flight or deferred are thrown away."}
	if len(names) > 0 {
		effects = append(effects, "Its "+plural(int64(len(names)), "channel")+" go, too: "+enumerate(names)+".")
	}
	if t.Counts.Clients > 0 {
		effects = append(effects, plural(t.Counts.Clients, "consumer")+" are disconnected. For 45 s consumers cannot make the topic anew; a producer can.")
	}
	return append(effects, "All nodes do it, and one that is away does it when it comes back.")
}

func (p *Pages) askChannel(v *visit, a admin.Action) (question, error) {
	c, err := p.Admin.Channel(v.ctx(), a.Topic, a.Channel)
	if err != nil {
		return question{}, err
	}
	if !c.Known {
		return question{}, fmt.Errorf("nobody has heard of a channel %s of the topic %s: %w", a.Channel, a.Topic, errGone)
	}
	v.covered(c.Coverage)
	q := question{Back: p.channelLink(a.Topic, a.Channel), Nodes: enumerate(c.Nodes)}
	name := "the channel " + a.Channel + " of the topic " + a.Topic
	all := plural(c.Depth+c.InFlight+c.Deferred, "message")
	switch a.Kind {
	case admin.PauseChannel:
		q.Question, q.Button = "Pause "+name+"?", "Pause the channel"
		q.Effects = []string{"Its " + plural(c.Counts.Clients, "consumer") + " stay connected and get no more messages; they wait in the channel.",
			"What is in flight can still be finished.", "This holds on every node that has the channel now or gets it later, until it is unpaused."}
	case admin.UnpauseChannel:
		q.Question, q.Button = "Unpause "+name+"?", "Unpause the channel"
		q.Effects = []string{"The " + plural(c.Depth, "message") + " that wait are delivered to its " + plural(c.Counts.Clients, "consumer") + "."}
	case admin.EmptyChannel:
		q.Question, q.Button, q.Danger = "Empty "+name+"?", "Throw the messages away", true
		q.Effects = []string{fmt.Sprintf("%s are thrown away: %s waiting, %s in flight, %s deferred.", all, group(c.Depth), group(c.InFlight), group(c.Deferred)),
			"Consumers stay connected. What they are at work on cannot be finished or requeued any more."}
	case admin.DeleteChannel:
		q.Question, q.Button, q.Danger = "Delete "+name+"?", "Delete the channel "+a.Channel, true
		q.Effects = []string{all + " that wait, are in flight or deferred are thrown away. The topic and its other channels stay.",
			plural(c.Counts.Clients, "consumer") + " are disconnected. One that comes back makes the channel anew."}
	}
	return q, nil
}

func (p *Pages) askTombstone(_ *visit, a admin.Action) (question, error) {
	at := enumerate(a.Nodes)
	q := question{Question: "Hide " + at + " from lookups of " + a.Topic + "?", Button: "Tombstone", Danger: true, Back: p.topicLink(a.Topic), Nodes: at,
		Effects: []string{"Lookups of this topic leave the node out for a while (--tombstone-lifetime), so that consumers and mesh-aware producers go elsewhere.",
			"Consumers that are connected stay, and publishers that know the node's address can still publish to it."},
		Fields: []field{{Label: "The topic on this node", Name: "delete", Choices: []choice{
			{"stays, with its messages", "", true}, {"is deleted there with its messages, as nsqadmin does", "1", false}}}},
	}
	if a.Kind == admin.Untombstone {
		q = question{Question: "Show " + at + " in lookups of " + a.Topic + " again?", Button: "End the tombstone", Back: p.topicLink(a.Topic), Nodes: at,
			Effects: []string{"Lookups of this topic name the node again at once; consumers find it when they look next."}}
	}
	return q, nil
}

func (p *Pages) askDisconnect(_ *visit, a admin.Action) (question, error) {
	q := question{Question: "Disconnect " + a.Client + "?", Button: "Disconnect", Danger: true, Back: p.BasePath + "/consumers", Nodes: enumerate(a.Nodes),
		Effects: []string{"Its connection is closed; what it has in flight comes back into the channel when that times out.",
			"Most clients connect again by themselves within seconds. To keep a consumer away, pause the channel."}}
	if a.Channel != "" {
		q.Back = p.channelLink(a.Topic, a.Channel)
	}
	return q, nil
}

func (p *Pages) askInFlight(_ *visit, a admin.Action) (question, error) {
	what := "all messages in flight"
	if len(a.IDs) > 0 {
		what = "the message " + enumerate(a.IDs)
	}
	of := " of " + a.Topic + " / " + a.Channel
	q := question{Question: "Requeue " + what + of + "?", Button: "Requeue", Back: p.channelLink(a.Topic, a.Channel), Nodes: enumerate(a.Nodes),
		Effects: []string{"What is in flight is taken from its consumers and waits in the channel again, to be delivered at once.",
			"A consumer that finishes it all the same is told that it is not in flight; it may so be worked on twice."}}
	if a.Kind == admin.Move {
		q.Question, q.Button = "Move "+what+of+" to another topic?", "Move"
		q.Effects[0] = "What is in flight is taken from its consumers, published to the other topic on the same node, and gone from this channel."
		q.Fields = []field{{Label: "To the topic", Name: "to", Required: true, Pattern: namePattern}}
	}
	return q, nil
}

// namePattern is what names of topics and channels look like.
const namePattern = `[.a-zA-Z0-9_\-]{1,64}(#ephemeral)?`
