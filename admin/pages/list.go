package pages

import (
	"cmp"
	"fmt"
	"html/template"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// perPage is how many rows a page shows unless it is asked for another number.
const (
	perPage    = 50
	mostOnPage = 500
)

// list is how a table is filtered, sorted and cut into pages. All of it stands in the address, so it can be shared.
type list struct {
	query  string
	regexp bool
	sort   string
	rising bool
	page   int
	per    int
	total  int // rows that the filter let through

	path   string
	values url.Values
	match  *regexp.Regexp
	wrong  string // why the regular expression is none
	fixed  bool   // a short table that cannot be sorted
}

// readList understands an address. A list is sorted as byDefault says until asked otherwise.
func readList(u *url.URL, byDefault string) *list {
	q := u.Query()
	l := &list{
		query: strings.TrimSpace(q.Get("q")), regexp: q.Get("regexp") != "", sort: q.Get("sort"),
		page: number(q.Get("page"), 1), per: min(number(q.Get("per"), perPage), mostOnPage), path: u.Path, values: q,
	}
	if l.sort == "" {
		l.sort = byDefault
	}
	l.rising = textual(l.sort) != (q.Get("order") == "turned")
	if l.regexp && l.query != "" {
		match, err := regexp.Compile("(?i)" + l.query)
		if err != nil {
			l.wrong = "This is no regular expression: " + strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		}
		l.match = match
	}
	return l
}

// textual columns begin with A, numbers with the highest.
func textual(column string) bool {
	return slices.Contains([]string{"name", "node", "channel", "zone", "version", "status"}, column)
}

func number(s string, otherwise int) int {
	if n, err := strconv.Atoi(s); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// wants reports whether the filter lets one of the texts through.
func (l *list) wants(texts ...string) bool {
	if l.query == "" || l.wrong != "" {
		return true
	}
	return slices.ContainsFunc(texts, func(text string) bool {
		if l.match != nil {
			return l.match.MatchString(text)
		}
		return strings.Contains(strings.ToLower(text), strings.ToLower(l.query))
	})
}

// window says which of n rows are on this page.
func (l *list) window(n int) (from, to int) {
	l.total = n
	if last := max(1, (n+l.per-1)/l.per); l.page > last {
		l.page = last
	}
	from = (l.page - 1) * l.per
	return from, min(from+l.per, n)
}

// arrange filters, sorts and cuts rows. by gives what a column is compared by: a string, or a float64.
func arrange[T any](l *list, rows []T, texts func(*T) []string, by func(*T, string) any) []T {
	rows = slices.DeleteFunc(rows, func(r T) bool { return !l.wants(texts(&r)...) })
	slices.SortStableFunc(rows, func(a, b T) int {
		c := compare(by(&a, l.sort), by(&b, l.sort))
		if !l.rising {
			c = -c
		}
		if c == 0 {
			c = compare(by(&a, "name"), by(&b, "name"))
		}
		return c
	})
	from, to := l.window(len(rows))
	return rows[from:to]
}

func compare(a, b any) int {
	switch a := a.(type) {
	case string:
		b, _ := b.(string)
		return cmp.Compare(a, b)
	case float64:
		b, _ := b.(float64)
		return cmp.Compare(a, b)
	}
	return 0
}

// address is this list with some of its settings changed; an empty value takes a setting away.
func (l *list) address(changes ...string) string {
	q := url.Values{}
	for k, v := range l.values {
		q[k] = v
	}
	for i := 0; i+1 < len(changes); i += 2 {
		if q.Set(changes[i], changes[i+1]); changes[i+1] == "" {
			q.Del(changes[i])
		}
	}
	if len(q) == 0 {
		return l.path
	}
	return l.path + "?" + q.Encode()
}

// Head is the head of a column by which the list can be sorted.
func (l *list) Head(column, label, class string) template.HTML {
	var at, sorted string
	if class != "" {
		at = ` class="` + class + `"`
	}
	if l.fixed {
		return template.HTML(fmt.Sprintf(`<th scope="col"%s>%s</th>`, at, label))
	}
	order := ""
	if l.sort == column {
		sorted = ` aria-sort="descending"`
		if l.rising {
			sorted = ` aria-sort="ascending"`
		}
		if l.rising == textual(column) {
			order = "turned"
		}
	}
	link := l.address("sort", column, "order", order, "page", "")
	return template.HTML(fmt.Sprintf(`<th scope="col"%s%s><a href="%s">%s</a></th>`, at, sorted, template.HTMLEscapeString(link), label))
}

// pager leads to the other pages of a list.
type pager struct {
	More                  bool
	Range, Previous, Next string
}

func (l *list) Pager() pager {
	if l.total <= l.per {
		return pager{}
	}
	from, to := l.window(l.total)
	p := pager{More: true, Range: fmt.Sprintf("%d to %d of %d", from+1, to, l.total)}
	if from > 0 {
		p.Previous = l.address("page", strconv.Itoa(l.page-1))
	}
	if to < l.total {
		p.Next = l.address("page", strconv.Itoa(l.page+1))
	}
	return p
}

// filter is the form above a list.
type filter struct {
	Label, Query, Wrong, Clear string
	Regexp                     bool
	Kept                       []pair
}

type pair struct{ Name, Value string }

func (l *list) filter(label string) filter {
	f := filter{Label: label, Query: l.query, Regexp: l.regexp, Wrong: l.wrong, Clear: l.address("q", "", "regexp", "", "page", "")}
	for _, name := range []string{"sort", "order", "per"} {
		if v := l.values.Get(name); v != "" {
			f.Kept = append(f.Kept, pair{name, v})
		}
	}
	return f
}
