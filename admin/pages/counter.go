package pages

import "github.com/nsqmesh/nsqmesh/admin"

type counter struct {
	Messages int64
	Rate     float64
	Nodes    string
	Graphs   graphs
}

func (p *Pages) counter(v *visit) error {
	c, err := p.Admin.Counter(v.ctx())
	if err != nil {
		return err
	}
	v.covered(c.Coverage)
	v.Title, v.JSON = "Counter", "/api/v1/counter"
	v.Body = counter{c.Messages, float64(c.Rate), plural(int64(c.Asked-len(c.Missing)), "node"), p.graphs(v, admin.Of{})}
	return nil
}
