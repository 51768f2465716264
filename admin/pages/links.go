package pages

import "net/url"

func (p *Pages) topicLink(topic string) string {
	return p.BasePath + "/topics/" + url.PathEscape(topic)
}

func (p *Pages) channelLink(topic, channel string) string {
	return p.topicLink(topic) + "/" + url.PathEscape(channel)
}

func (p *Pages) nodeLink(node string) string { return p.BasePath + "/nodes/" + url.PathEscape(node) }

// actionLink leads to the question whether something is to be done. Parameters come in pairs; empty ones are left out.
func (p *Pages) actionLink(verb string, parameters ...string) string {
	return p.BasePath + "/actions/" + verb + query(parameters...)
}

func query(parameters ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(parameters); i += 2 {
		if parameters[i+1] != "" {
			q.Set(parameters[i], parameters[i+1])
		}
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}
