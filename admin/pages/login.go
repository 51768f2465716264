package pages

import "net/http"

// login is the form that package admin takes the answer of.
type login struct{ Base, Wrong, Next string }

// login shows the form. Where nobody has to log in, or somebody has, there is nothing to do here.
func (p *Pages) login(w http.ResponseWriter, req *http.Request) {
	v := p.visit(req)
	if v.Open || v.User != nil {
		http.Redirect(w, req, p.local(req.FormValue("next")), http.StatusSeeOther)
		return
	}
	body := login{Base: p.BasePath, Next: req.FormValue("next")}
	switch req.FormValue("failed") {
	case "":
	case "later":
		body.Wrong = "Too many tries. Wait a minute, then try again."
	default:
		body.Wrong = "There is no such name with this password."
	}
	v.Nav = nil
	p.say(w, v, http.StatusOK, "login", "Log in", body)
}
