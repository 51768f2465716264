// Package pages draws the admin UI: HTML from templates, a style sheet, and one small script that keeps numbers moving.
//
// It owns what people see and the words for it. What there is to see it asks of package admin, and what is to be done it
// hands over to it; it never speaks to a node itself, never decides who may do what, and keeps nothing between two requests.
// Every page is whole without a script; asked for as an event stream, the same page tells its parts that have changed.
// Templates and assets are embedded and parsed once, in New; nothing in a Pages changes after that, so no lock guards it.
package pages
