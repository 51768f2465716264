package main

import (
	"strings"

	"github.com/nsqio/go-nsq"
)

// choice is a flag whose value is one of some words, the first of which is the default.
type choice struct {
	words []string
	word  string
}

func oneOf(words ...string) choice { return choice{words: words, word: words[0]} }

func (c *choice) String() string { return c.word }

func (c *choice) Set(s string) error {
	for _, w := range c.words {
		if strings.EqualFold(s, w) {
			c.word = w
			return nil
		}
	}
	return mustBe(strings.Join(c.words, " or "))
}

// goNSQ is a flag for go-nsq's own options, each given as name,value or as a name alone for true.
type goNSQ struct{ *nsq.Config }

func (g goNSQ) String() string { return "" }

func (g goNSQ) Set(s string) error { return (&nsq.ConfigFlag{Config: g.Config}).Set(s) }

// outputForm is what results are printed in.
type outputForm struct{ choice }

func newOutputForm() outputForm { return outputForm{oneOf("text", "json")} }

func (o *outputForm) add(f *flagTable) { f.add(&o.choice, "output", "print results as `text|json`") }

func (o *outputForm) json() bool { return o.word == "json" }
