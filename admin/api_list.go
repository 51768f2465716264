package admin

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	rowsPerPage = 100
	mostRows    = 1000
)

// listing is how a list is asked for: ?search=, ?regexp=, ?sort=column or ?sort=-column, ?page= from 1, ?per_page=.
type listing struct {
	search  string
	match   *regexp.Regexp
	sort    string
	falling bool
	page    int
	perPage int
}

// Page says which part of a list an answer has.
type Page struct {
	Page    int `json:"page"`
	PerPage int `json:"per_page"`
	Total   int `json:"total"` // rows that match
}

func readListing(q url.Values) (l listing, err error) {
	l.search = strings.ToLower(q.Get("search"))
	if pattern := q.Get("regexp"); pattern != "" {
		if l.match, err = regexp.Compile(pattern); err != nil {
			return l, &apiError{http.StatusBadRequest, fmt.Sprintf("INVALID_REGEXP: %v", err)}
		}
	}
	l.sort, l.falling = strings.CutPrefix(q.Get("sort"), "-")
	if l.page, err = positive(q.Get("page"), 1, 1<<30); err != nil {
		return l, &apiError{http.StatusBadRequest, "INVALID_PAGE"}
	}
	if l.perPage, err = positive(q.Get("per_page"), rowsPerPage, mostRows); err != nil {
		return l, &apiError{http.StatusBadRequest, "INVALID_PER_PAGE"}
	}
	return l, nil
}

// positive reads a number from 1 to most.
func positive(text string, otherwise, most int) (int, error) {
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("%q is not from 1 to %d", text, most)
	}
	return n, nil
}

// columns are what rows can be sorted by: a string or a float64.
type columns[T any] map[string]func(*T) any

// cut filters, sorts and cuts a list. The list itself stays as it is.
func cut[T any](l listing, rows []T, name func(*T) string, by columns[T]) ([]T, Page, error) {
	order, known := by[l.sort]
	if l.sort != "" && !known {
		return nil, Page{}, &apiError{http.StatusBadRequest, "INVALID_SORT"}
	}
	matching := make([]*T, 0, len(rows))
	for i := range rows {
		if l.matches(name(&rows[i])) {
			matching = append(matching, &rows[i])
		}
	}
	if l.sort != "" {
		slices.SortStableFunc(matching, func(a, b *T) int {
			c := compare(order(a), order(b))
			if l.falling {
				return -c
			}
			return c
		})
	}
	from := min((l.page-1)*l.perPage, len(matching))
	part := []T{}
	for _, row := range matching[from:min(from+l.perPage, len(matching))] {
		part = append(part, *row)
	}
	return part, Page{l.page, l.perPage, len(matching)}, nil
}

func (l *listing) matches(name string) bool {
	if l.search != "" && !strings.Contains(strings.ToLower(name), l.search) {
		return false
	}
	return l.match == nil || l.match.MatchString(name)
}

func compare(a, b any) int {
	if x, ok := a.(string); ok {
		return strings.Compare(x, b.(string))
	}
	return cmp.Compare(a.(float64), b.(float64)) // NaN comes first
}

// countColumns are those that all rows with counts have.
func countColumns[T any](counts func(*T) *Counts) columns[T] {
	return columns[T]{
		"depth":     func(r *T) any { return float64(counts(r).Depth) },
		"on_disk":   func(r *T) any { return float64(counts(r).OnDisk) },
		"in_flight": func(r *T) any { return float64(counts(r).InFlight) },
		"deferred":  func(r *T) any { return float64(counts(r).Deferred) },
		"messages":  func(r *T) any { return float64(counts(r).Messages) },
		"requeues":  func(r *T) any { return float64(counts(r).Requeues) },
		"timeouts":  func(r *T) any { return float64(counts(r).Timeouts) },
		"clients":   func(r *T) any { return float64(counts(r).Clients) },
		"in":        func(r *T) any { return float64(counts(r).Rates.In) },
		"out":       func(r *T) any { return float64(counts(r).Rates.Out) },
	}
}

func (a *Admin) listTopics(req *http.Request) (any, error) {
	l, err := readListing(req.URL.Query())
	if err != nil {
		return nil, err
	}
	all, err := a.Topics(req.Context())
	if err != nil {
		return nil, err
	}
	by := countColumns(func(t *TopicRow) *Counts { return &t.Counts })
	by["name"] = func(t *TopicRow) any { return t.Name }
	by["channels"] = func(t *TopicRow) any { return float64(t.Channels) }
	by["nodes"] = func(t *TopicRow) any { return float64(len(t.Nodes)) }
	rows, page, err := cut(l, all.Topics, func(t *TopicRow) string { return t.Name }, by)
	return struct {
		TopicList
		Page
	}{TopicList{all.Coverage, rows}, page}, err
}

func (a *Admin) listChannels(req *http.Request) (any, error) {
	l, err := readListing(req.URL.Query())
	if err != nil {
		return nil, err
	}
	all, err := a.Channels(req.Context())
	if err != nil {
		return nil, err
	}
	by := countColumns(func(c *ChannelRow) *Counts { return &c.Counts })
	by["name"] = func(c *ChannelRow) any { return c.Name }
	by["topic"] = func(c *ChannelRow) any { return c.Topic }
	rows, page, err := cut(l, all.Channels, func(c *ChannelRow) string { return c.Topic + "/" + c.Name }, by)
	return struct {
		ChannelList
		Page
	}{ChannelList{all.Coverage, rows}, page}, err
}

func (a *Admin) listNodes(req *http.Request) (any, error) {
	l, err := readListing(req.URL.Query())
	if err != nil {
		return nil, err
	}
	all, err := a.Nodes(req.Context())
	if err != nil {
		return nil, err
	}
	by := countColumns(func(n *NodeRow) *Counts { return &n.Counts })
	by["name"] = func(n *NodeRow) any { return n.Name }
	by["status"] = func(n *NodeRow) any { return n.Status }
	by["zone"] = func(n *NodeRow) any { return n.Zone }
	by["version"] = func(n *NodeRow) any { return n.Version }
	by["topics"] = func(n *NodeRow) any { return float64(n.Topics) }
	rows, page, err := cut(l, all.Nodes, func(n *NodeRow) string { return n.Name + " " + n.Address + " " + n.Hostname }, by)
	return struct {
		NodeList
		Page
	}{NodeList{all.Coverage, rows}, page}, err
}

func (a *Admin) listClients(req *http.Request) (any, error) {
	l, err := readListing(req.URL.Query())
	if err != nil {
		return nil, err
	}
	all, err := a.Clients(req.Context())
	if err != nil {
		return nil, err
	}
	by := columns[ClientRow]{
		"topic":     func(c *ClientRow) any { return c.Topic },
		"node":      func(c *ClientRow) any { return c.Node },
		"hostname":  func(c *ClientRow) any { return c.Hostname },
		"in_flight": func(c *ClientRow) any { return float64(c.InFlight) },
		"ready":     func(c *ClientRow) any { return float64(c.Ready) },
		"messages":  func(c *ClientRow) any { return float64(c.Messages) },
		"finished":  func(c *ClientRow) any { return float64(c.Finished) },
		"requeued":  func(c *ClientRow) any { return float64(c.Requeued) },
		"connected": func(c *ClientRow) any { return float64(c.Connected) },
	}
	rows, page, err := cut(l, all.Clients, func(c *ClientRow) string {
		return c.Topic + "/" + c.Channel + " " + c.Hostname + " " + c.ClientID + " " + c.RemoteAddress + " " + c.Node
	}, by)
	return struct {
		ClientList
		Page
	}{ClientList{all.Coverage, rows}, page}, err
}
