package cli

import "testing"

func TestNearest(t *testing.T) {
	words := []string{"mem_queue_size", "max_msg_size", "id", "snappy"}
	for word, want := range map[string]string{
		"mem_queue_size": "mem_queue_size", "mem_qeueu_size": "mem_queue_size", "max_message_size": "max_msg_size",
		"snapy": "snappy", "colour": "", "": "", "ix": "", "unknown_key": "",
	} {
		if got, ok := Nearest(word, words); got != want || ok != (want != "") {
			t.Errorf("%q: got %q", word, got)
		}
	}
	for pair, want := range map[[2]string]int{
		{"", ""}: 0, {"abc", ""}: 3, {"", "abc"}: 3, {"ab", "ba"}: 1, {"kitten", "sitting"}: 3, {"abcd", "acbd"}: 1,
	} {
		if got := Distance(pair[0], pair[1]); got != want {
			t.Errorf("%q: got %d, want %d", pair, got, want)
		}
	}
}
