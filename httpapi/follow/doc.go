// Package follow keeps go-nsq clients up to date with a mesh. A Consumer connects to a node the moment it has the topic and
// lets go of nodes that are gone; a Producer publishes through whichever node takes a message. Neither polls: both follow
// GET /watch of a node, and go on with another one when that node ends.
//
// It is a thin layer: a Consumer is an *nsq.Consumer, whose other methods and settings stay as they are, and a Producer has an
// *nsq.Producer for every node. Constructors do no I/O; Follow starts, Stop ends.
//
// # How changes are heard
//
// One of the lookup addresses is watched at a time, the first one picked at random. What it tells comes as server-sent
// events, with a token from which a broken watch resumes. Where events do not come through, as behind some proxies,
// the same is asked for by long polling. When an address fails or falls silent the next one is tried, for ever.
//
// A node that is missing from what is told keeps its connection for three more seconds, so that a lookup which has just
// started and knows little yet does no harm. A connection that breaks is made anew every second while its node is listed.
//
// # What a Producer promises
//
// At least once. A publish that fails goes to the next node, the client's own zone first and then its region, if Mesh says
// where the client is. A node that failed is tried again after one second, and after up to thirty if it goes on failing. Retried are
//
//   - nodes that cannot be reached, that do not let the client in, or whose connection breaks before the answer,
//   - nodes that do not answer in time (Producer.Timeout),
//   - the answers E_PUB_FAILED, E_MPUB_FAILED and E_DPUB_FAILED: that node cannot keep the message.
//
// A node that did not answer may have taken the message all the same, so the message may be there twice; of a
// MultiPublish all messages may. Every other answer, such as E_BAD_TOPIC, E_BAD_MESSAGE or E_UNAUTHORIZED, would be the same everywhere and
// is returned at once. When all nodes have failed the error wraps the last one's.
package follow
