package pages

import "net/http"

// Handler serves the pages. Who asks is already known when a request comes here: package admin guards it.
func (p *Pages) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, page := range []struct {
		path, template, here string
		draw                 drawer
	}{
		{"/{$}", "overview", "/", p.overview},
		{"/topics", "topics", "/topics", p.topics},
		{"/topics/{topic}", "topic", "/topics", p.topic},
		{"/topics/{topic}/{channel}", "channel", "/topics", p.channel},
		{"/nodes", "nodes_page", "/nodes", p.nodes},
		{"/nodes/{node}", "node", "/nodes", p.node},
		{"/nodes/{node}/drain", "drain", "/nodes", p.drain},
		{"/consumers", "consumers", "/consumers", p.consumers},
		{"/mesh", "mesh", "/mesh", p.mesh},
		{"/lookup", "lookup", "/lookup", p.lookup},
		{"/counter", "counter", "/counter", p.counter},
		{"/audit", "audit", "/audit", p.audit},
		{"/messages", "peek", "/topics", p.messages},
	} {
		mux.HandleFunc("GET "+p.BasePath+page.path, p.page(page.template, page.here, page.draw))
	}
	mux.HandleFunc("GET "+p.BasePath+"/login", p.login)
	mux.HandleFunc("GET "+p.BasePath+"/search", p.search)
	mux.HandleFunc("GET "+p.BasePath+"/actions/{kind}", p.ask)
	mux.HandleFunc("POST "+p.BasePath+"/actions/{kind}", p.do)
	mux.HandleFunc("POST "+p.BasePath+"/theme", p.setTheme)
	mux.Handle("GET "+p.BasePath+"/assets/{name}", p.assets)
	mux.HandleFunc(p.BasePath+"/", p.nowhere)
	return mux
}

// nowhere answers what is no page. An address with a slash too many is led to the one without.
func (p *Pages) nowhere(w http.ResponseWriter, req *http.Request) {
	if path := req.URL.Path; len(path) > len(p.BasePath)+1 && path[len(path)-1] == '/' && path[1] != '/' {
		http.Redirect(w, req, path[:len(path)-1], http.StatusMovedPermanently)
		return
	}
	v := p.visit(req)
	p.say(w, v, http.StatusNotFound, "error", "There is no such page",
		problem{"There is no such page", req.URL.Path + " leads nowhere.", p.BasePath + "/", "To the overview"})
}
