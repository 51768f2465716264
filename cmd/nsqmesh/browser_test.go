package main

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is a headless Chromium that runs for one test.
type browser struct {
	t   testing.TB
	ctx context.Context
}

// startBrowser skips a test where there is no Chromium; where NSQMESH_BROWSER is set there must be one.
func startBrowser(t testing.TB) *browser {
	t.Helper()
	var found string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			found = path
			break
		}
	}
	if found == "" {
		if os.Getenv("NSQMESH_BROWSER") != "" {
			t.Fatal("no Chromium, but NSQMESH_BROWSER says that there is one")
		}
		t.Skip("no Chromium to look at the admin pages with: install the package chromium")
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(), chromedp.ExecPath(found), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("disable-dev-shm-usage", true), chromedp.WSURLReadTimeout(patience))
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", found, err)
	}
	return &browser{t, ctx}
}

// tab is one page that somebody looks at. It keeps what the page complained of and where it went for what it needs.
type tab struct {
	t    testing.TB
	ctx  context.Context
	base string // of the node that serves it

	mu         sync.Mutex
	complaints []string
	foreign    []string
	requests   int
}

// open makes a tab for the admin pages of a node, as wide as told.
func (b *browser) open(base string, width, height int64) *tab {
	b.t.Helper()
	ctx, end := chromedp.NewContext(b.ctx)
	b.t.Cleanup(end)
	page := &tab{t: b.t, ctx: ctx, base: base}
	if err := chromedp.Do(ctx); err != nil {
		b.t.Fatalf("open a tab: %v", err)
	}
	if err := chromedp.Listen(ctx, page.heard); err != nil {
		b.t.Fatalf("listen to a tab: %v", err)
	}
	for _, domain := range []cdp.Command[cdp.Empty, cdp.Empty]{runtime.Enable, log.Enable} {
		if _, err := chromedp.Call(ctx, domain, cdp.Empty{}); err != nil {
			b.t.Fatalf("watch a tab: %v", err)
		}
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		b.t.Fatalf("watch the requests of a tab: %v", err)
	}
	page.wide(width, height)
	return page
}

// wide makes the window as large as told; a narrow one is a phone.
func (p *tab) wide(width, height int64) {
	p.t.Helper()
	if width < 600 {
		p.run(chromedp.EmulateViewport(width, height, chromedp.EmulateMobile, chromedp.EmulatePortrait))
		return
	}
	p.run(chromedp.EmulateViewport(width, height))
}

func (p *tab) heard(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		p.complaints = append(p.complaints, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			var words []string
			for _, arg := range e.Args {
				words = append(words, string(arg.Value))
			}
			p.complaints = append(p.complaints, strings.Join(words, " "))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			p.complaints = append(p.complaints, e.Entry.Text+" "+e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		p.requests++
		if !strings.HasPrefix(e.Request.URL, p.base+"/") && !strings.HasPrefix(e.Request.URL, "about:") {
			p.foreign = append(p.foreign, e.Request.URL)
		}
	}
}

// quiet fails the test if the page complained or asked another origin.
func (p *tab) quiet() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, complaint := range p.complaints {
		p.t.Errorf("the browser complains: %s", complaint)
	}
	for _, address := range p.foreign {
		p.t.Errorf("the page asked another origin: %s", address)
	}
	p.complaints, p.foreign = nil, nil
}

func (p *tab) run(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("browser at %s: %v", p.where(), err)
	}
}

func (p *tab) where() string {
	ctx, cancel := context.WithTimeout(p.ctx, time.Second)
	defer cancel()
	address, _ := chromedp.Run(ctx, chromedp.Location())
	return address
}

// visit goes to a path and waits until the page is there.
func (p *tab) visit(path string) {
	p.t.Helper()
	p.run(chromedp.Navigate(p.base+path), chromedp.WaitReady(chromedp.CSS("main h1")))
}

// value is what an expression gives in the page, as text.
func (p *tab) value(expression string) string {
	p.t.Helper()
	return p.evaluate("String(" + expression + ")")
}

func (p *tab) evaluate(script string, options ...chromedp.EvaluateOption) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	result, err := chromedp.Run(ctx, chromedp.Evaluate[string](script, options...))
	if err != nil {
		p.t.Fatalf("a script at %s: %v", p.where(), err)
	}
	return result
}

// text is what an element says, empty when there is none.
func (p *tab) text(selector string) string {
	p.t.Helper()
	quoted, _ := json.Marshal(selector)
	return p.value("document.querySelector(" + string(quoted) + ")?.textContent.trim() ?? ''")
}

// click follows a link or presses a button and waits for the page that comes.
func (p *tab) click(selector string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible)); err != nil {
		p.t.Fatalf("click %s at %s: %v", selector, p.where(), err)
	}
	p.run(chromedp.WaitReady(chromedp.CSS("main h1")))
}

// press clicks the link or button that reads so.
func (p *tab) press(words string) {
	p.t.Helper()
	quoted, _ := json.Marshal(words)
	mark := `(() => { for (const e of document.querySelectorAll("main a, main button")) if (e.textContent.trim() === ` + string(quoted) +
		`) { e.id ||= "pressed"; return "#" + e.id } return "" })()`
	selector := p.value(mark)
	if selector == "" {
		p.t.Fatalf("nothing at %s reads %q:\n%s", p.where(), words, p.text("main"))
	}
	p.click(selector)
}

// axe is the source of the accessibility checker, empty where npm cannot bring it.
func axe(t testing.TB) string {
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(filepath.Join("testdata", "axe"))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir = folder
	if out, err := npm.CombinedOutput(); err != nil {
		t.Logf("npm cannot bring axe-core, so only our own checks are made: %v:\n%s", err, out)
		return ""
	}
	source, err := os.ReadFile(filepath.Join(folder, "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

// accessible fails the test for everything that axe finds, and for what we check ourselves.
func (p *tab) accessible(axe string) {
	p.t.Helper()
	if found := p.value(ownChecks); found != "" {
		p.t.Errorf("%s: %s", p.where(), found)
	}
	if axe == "" {
		return
	}
	p.evaluate(axe + ";''")
	if found := p.evaluate(axeRun, chromedp.EvalAwaitPromise); found != "" {
		p.t.Errorf("%s is not accessible:\n%s", p.where(), found)
	}
}

// axeRun leaves out what is hidden from readers, of which a graph has hundreds.
const axeRun = `axe.run({exclude: [[".readouts"]]}, {resultTypes: ["violations"]}).then(r => r.violations.map(v =>
	v.id + ": " + v.help + "\n  " + v.nodes.slice(0, 4).map(n => n.html.slice(0, 160) + " " + (n.any[0]?.message ?? "")).join("\n  ")).join("\n"))`

// ownChecks find what everybody who cannot see the page, or has no mouse, would miss first.
const ownChecks = `(() => { const wrong = [];
	if (document.querySelectorAll("h1").length !== 1) wrong.push("there is not one heading of the first level");
	for (const e of document.querySelectorAll("input:not([type=hidden]), select, textarea"))
		if (!e.labels?.length && !e.getAttribute("aria-label")) wrong.push("no label: " + e.outerHTML);
	for (const e of document.querySelectorAll("a, button")) if (!e.textContent.trim() && !e.getAttribute("aria-label")) wrong.push("no name: " + e.outerHTML);
	for (const e of document.querySelectorAll("table")) if (!e.caption) wrong.push("a table without caption");
	if (document.documentElement.scrollWidth > innerWidth) wrong.push("wider than the window: " + document.documentElement.scrollWidth + " > " + innerWidth);
	return wrong.join("; ") })()`

// path is where the tab is, without the host.
func (p *tab) path() string {
	u, err := url.Parse(p.where())
	if err != nil {
		p.t.Fatal(err)
	}
	return u.RequestURI()
}
