package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/nsqmesh/nsqmesh/admin"
)

// The admin pages, as somebody sees them who has a browser and a mesh in use.

// everyPage is every kind of page of the shop.
var everyPage = []string{
	"/", "/topics", "/topics?sort=depth&q=o", "/topics/orders", "/topics/orders?span=day", "/topics/orders/shipping", "/nodes", "/nodes/anna",
	"/nodes/bert/drain", "/consumers", "/mesh", "/lookup?topic=orders", "/counter", "/audit", "/messages?topic=reports&channel=archive",
	"/actions/delete-topic?topic=orders", "/actions/tombstone?topic=orders&node=bert", "/actions/move?topic=orders&channel=billing&node=anna",
}

func TestPagesInABrowser(t *testing.T) {
	b := startBrowser(t)
	s := startShop(t)
	page := b.open("http://"+s.nodes[0].addr.AdminHTTP, 1280, 900)
	checker := axe(t)
	waitFor(t, "messages in all channels", func() bool { return s.nodes[1].topic("reports").channel("archive").Depth > 3 })

	t.Run("each is quiet, accessible, and asks no other origin", func(t *testing.T) {
		page.t = t
		for _, path := range everyPage {
			page.visit(path)
			page.accessible(checker)
			page.quiet()
		}
	})
	t.Run("each fits a phone, light or dark", func(t *testing.T) {
		page.t = t
		page.wide(375, 700)
		page.visit("/")
		page.click(`button[name=theme]`)
		if theme := page.value("document.documentElement.dataset.theme"); theme != "dark" {
			t.Errorf("the theme is %q after the button for dark", theme)
		}
		page.accessible(checker)
		for _, path := range []string{"/topics", "/topics/orders", "/nodes/anna", "/mesh", "/messages?topic=reports&channel=archive"} {
			page.visit(path)
			page.accessible("") // for the width alone: the rest does not change with it
			page.quiet()
		}
		page.wide(1280, 900)
	})
	t.Run("numbers move by themselves", func(t *testing.T) {
		page.t = t
		page.visit("/topics/orders")
		page.value("window.here = 'the same page'")
		before := page.text(`[data-live="all.messages"]`)
		waitFor(t, "another number of messages", func() bool { return page.text(`[data-live="all.messages"]`) != before })
		if page.value("window.here") != "the same page" {
			t.Error("the page was loaded anew")
		}
		waitFor(t, "a curve", func() bool {
			return page.value(`document.querySelectorAll("[data-live] svg.spark path").length > 0`) == "true"
		})
		page.quiet()
	})
	t.Run("a topic that comes is shown without reloading", func(t *testing.T) {
		page.t = t
		page.visit("/topics")
		post(t, s.nodes[2].nsqd("/topic/create?topic=novelties"), "")
		waitFor(t, "the new topic on the page", func() bool { return strings.Contains(page.text("main"), "novelties") })
		page.quiet()
	})
	t.Run("actions do what they say", func(t *testing.T) {
		page.t = t
		testActions(t, page, s)
	})
	t.Run("a dead node is missed and named", func(t *testing.T) {
		page.t = t
		s.nodes[2].kill()
		waitFor(t, "an alert", func() bool {
			page.visit("/")
			return strings.Contains(page.text(".alerts"), "carl")
		})
		page.visit("/topics/orders")
		if missing := page.text("main .notice.warn"); !strings.Contains(missing, "carl") {
			t.Errorf("the page of a topic does not say what is missing: %q", missing)
		}
		page.quiet()
	})
}

// testActions takes each action that the pages offer, as a user would, and asks the nodes whether it was done.
func testActions(t *testing.T, page *tab, s *shop) {
	s.stop()
	reports := func() topicStats { return s.nodes[1].topic("reports") }
	confirm := func(verb, button string, so func() bool) {
		t.Helper()
		page.press(verb)
		page.press(button)
		if done := page.text(".notice.good"); done == "" {
			t.Errorf("%s: not done: %s", verb, page.text("main"))
		}
		waitFor(t, "the effect of "+verb, so)
	}
	page.visit("/topics/reports/archive")
	confirm("Pause", "Pause the channel", func() bool { return reports().channel("archive").Paused })
	page.visit("/topics/reports/archive")
	confirm("Unpause", "Unpause the channel", func() bool { return !reports().channel("archive").Paused })
	page.visit("/topics/reports")
	confirm("Pause", "Pause the topic", func() bool { return reports().Paused })

	before := reports().MessageCount
	page.visit("/topics/reports")
	page.run(chromedp.Click(chromedp.CSS("#publish summary")), chromedp.SendKeys(chromedp.CSS("#publish textarea"), `{"by":"hand"}`))
	page.value(`document.querySelector("#publish select").value = "bert"`)
	page.press("Publish")
	waitFor(t, "the message that was published", func() bool { return reports().MessageCount == before+1 })
	page.visit("/messages?topic=reports&as=json")
	if shown := page.text("main pre"); !strings.Contains(shown, `"by": "hand"`) {
		t.Errorf("the message that waits in the paused topic reads %q", shown)
	}
	page.visit("/topics/reports")
	confirm("Empty", "Throw the messages away", func() bool { return reports().Depth == 0 })
	page.visit("/topics/reports")
	confirm("Unpause", "Unpause the topic", func() bool { return !reports().Paused })
	page.visit("/topics/reports/archive")
	confirm("Empty", "Throw the messages away", func() bool { return reports().channel("archive").Depth == 0 })
	page.visit("/topics/reports")
	confirm("Tombstone", "Tombstone", func() bool { return s.nodes[0].names("reports") })
	page.visit("/topics/reports")
	confirm("End the tombstone", "End the tombstone", func() bool { return s.nodes[0].names("reports", s.nodes[1]) })
	page.visit("/topics/orders/billing")
	confirm("Disconnect", "Disconnect", func() bool { return true })
	page.visit("/topics/reports/archive")
	confirm("Delete", "Delete the channel archive", func() bool { return len(reports().Channels) == 0 })
	page.visit("/topics/reports")
	confirm("Delete", "Delete the topic reports", func() bool { return reports().Name == "" })
	page.visit("/topics")
	page.run(chromedp.Click(chromedp.CSS("#create summary")), chromedp.SendKeys(chromedp.CSS("#create input[name=topic]"), "returns"),
		chromedp.SendKeys(chromedp.CSS("#create input[name=channel]"), "clerk"))
	confirm("Create…", "Create the channel", func() bool { return s.nodes[0].knows("returns") })
	page.visit("/audit")
	for _, want := range []string{"Pause channel", "Publish", "Empty topic", "Tombstone", "Disconnect", "Delete topic", "Create channel"} {
		if !strings.Contains(page.text("main"), want) {
			t.Errorf("the audit log does not have %q", want)
		}
	}
	page.quiet()
}

func TestLogInAndRolesInABrowser(t *testing.T) {
	b := startBrowser(t)
	file := filepath.Join(t.TempDir(), "users")
	for name, role := range map[string]admin.Role{"vera": admin.Viewer, "adam": admin.Superior} {
		if err := admin.AddUser(file, name, role, "secret of "+name); err != nil {
			t.Fatal(err)
		}
	}
	node := startNode(t, t.TempDir(), "--auth-file="+file, "--gossip-address=", "--cluster-address=")
	post(t, node.nsqd("/topic/create?topic=orders"), "")
	page := b.open("http://"+node.addr.AdminHTTP, 1280, 900)
	logIn := func(name, password string) {
		t.Helper()
		page.visit("/topics/orders")
		page.run(chromedp.SendKeys(chromedp.CSS("[name=user]"), name), chromedp.SendKeys(chromedp.CSS("[name=password]"), password))
		page.press("Log in")
	}
	logIn("vera", "wrong")
	if said := page.text(".notice.bad"); said == "" {
		t.Errorf("a wrong password is not told of: %s", page.text("main"))
	}
	logIn("vera", "secret of vera")
	if page.path() != "/topics/orders" {
		t.Errorf("after logging in the browser is at %s, not where it wanted to go", page.path())
	}
	if page.text(".bar") != "" || page.text("#publish") != "" {
		t.Errorf("a viewer is offered actions: %s %s", page.text(".bar"), page.text("#publish"))
	}
	page.visit("/actions/delete-topic?topic=orders")
	if said := page.text("main"); !strings.Contains(said, "vera has the role viewer") {
		t.Errorf("a viewer who wants to delete is told %q", said)
	}
	page.mu.Lock()
	page.complaints = nil // of the answer 403, which was meant
	page.mu.Unlock()
	page.click(`form[action="/logout"] button`)
	logIn("adam", "secret of adam")
	page.press("Delete")
	page.press("Delete the topic orders")
	waitFor(t, "the topic to go", func() bool { return node.topic("orders").Name == "" })
	page.visit("/audit")
	if said := page.text("main"); !strings.Contains(said, "adam") || !strings.Contains(said, "Delete topic") {
		t.Errorf("the audit log does not say who deleted the topic: %s", said)
	}
	page.quiet()
}
