package pages

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

func listAt(t *testing.T, address, byDefault string) *list {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return readList(u, byDefault)
}

func names(rows []row) (all []string) {
	for _, r := range rows {
		all = append(all, r.Name)
	}
	return all
}

func TestListIsWhatItsAddressSays(t *testing.T) {
	rows := []row{
		{Name: "orders", counts: counts{Depth: 5}}, {Name: "emails", counts: counts{Depth: 90}},
		{Name: "Orders.old", counts: counts{Depth: 5}}, {Name: "clicks", counts: counts{Depth: 0}},
	}
	for name, c := range map[string]struct {
		address string
		want    []string
	}{
		"by name when nothing is said":            {"/topics", []string{"Orders.old", "clicks", "emails", "orders"}},
		"names the other way round":               {"/topics?sort=name&order=turned", []string{"orders", "emails", "clicks", "Orders.old"}},
		"numbers from the highest":                {"/topics?sort=depth", []string{"emails", "Orders.old", "orders", "clicks"}},
		"numbers from the lowest":                 {"/topics?sort=depth&order=turned", []string{"clicks", "Orders.old", "orders", "emails"}},
		"a filter knows no capitals":              {"/topics?q=ORD", []string{"Orders.old", "orders"}},
		"a regular expression":                    {"/topics?q=^o.*s$&regexp=1", []string{"orders"}},
		"a broken regular expression filters not": {"/topics?q=(&regexp=1", []string{"Orders.old", "clicks", "emails", "orders"}},
		"a page of two":                           {"/topics?per=2&page=2", []string{"emails", "orders"}},
		"a page behind the last is the last":      {"/topics?per=3&page=9", []string{"orders"}},
		"nonsense is ignored":                     {"/topics?per=-1&page=x&sort=nothing", []string{"orders", "emails", "clicks", "Orders.old"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := names(arrange(listAt(t, c.address, "name"), slices.Clone(rows), rowTexts, rowBy))
			if !slices.Equal(got, c.want) {
				t.Errorf("%s gives %q, want %q", c.address, got, c.want)
			}
		})
	}
}

func TestHeadOfAColumnLeadsToTheOtherOrder(t *testing.T) {
	for name, c := range map[string]struct{ address, column, want string }{
		"another column":           {"/topics?q=o&page=3", "depth", `<th scope="col" class="num"><a href="/topics?q=o&amp;sort=depth">D</a></th>`},
		"the column of the order":  {"/topics?sort=depth", "depth", `<th scope="col" class="num" aria-sort="descending"><a href="/topics?order=turned&amp;sort=depth">D</a></th>`},
		"the order turned already": {"/topics?sort=depth&order=turned", "depth", `<th scope="col" class="num" aria-sort="ascending"><a href="/topics?sort=depth">D</a></th>`},
		"names begin with A":       {"/topics", "name", `<th scope="col" class="num" aria-sort="ascending"><a href="/topics?order=turned&amp;sort=name">D</a></th>`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := string(listAt(t, c.address, "name").Head(c.column, "D", "num")); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestPagerSaysWhereItIs(t *testing.T) {
	l := listAt(t, "/topics?q=a&per=10&page=2", "name")
	l.window(25)
	if got, want := l.Pager(), (pager{true, "11 to 20 of 25", "/topics?page=1&per=10&q=a", "/topics?page=3&per=10&q=a"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if l.window(10); l.Pager().More {
		t.Error("one page leads to others")
	}
}

func TestBrokenExpressionIsExplained(t *testing.T) {
	if f := listAt(t, "/topics?q=(&regexp=1", "name").filter("Filter"); !strings.Contains(f.Wrong, "missing closing )") || f.Clear != "/topics" {
		t.Errorf("the form says %+v", f)
	}
}
