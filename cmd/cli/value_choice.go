package cli

import (
	"strings"

	"github.com/nsqio/go-nsq"
)

// Choice is a flag whose value is one of some words, the first of which is the default.
type Choice struct {
	Words []string
	Word  string
}

func OneOf(words ...string) Choice { return Choice{Words: words, Word: words[0]} }

func (c *Choice) String() string { return c.Word }

func (c *Choice) Set(s string) error {
	for _, w := range c.Words {
		if strings.EqualFold(s, w) {
			c.Word = w
			return nil
		}
	}
	return MustBe(strings.Join(c.Words, " or "))
}

// GoNSQ is a flag for go-nsq's own options, each given as name,value or as a name alone for true.
type GoNSQ struct{ *nsq.Config }

func (g GoNSQ) String() string { return "" }

func (g GoNSQ) Set(s string) error { return (&nsq.ConfigFlag{Config: g.Config}).Set(s) }

// OutputForm is what results are printed in.
type OutputForm struct{ Choice }

func NewOutputForm() OutputForm { return OutputForm{OneOf("text", "json")} }

func (o *OutputForm) Add(f *Flags) { f.Add(&o.Choice, "output", "print results as `text|json`") }

func (o *OutputForm) Json() bool { return o.Word == "json" }
