package nsqd

import (
	"slices"
	"strings"
	"testing"
)

const id16 = "0123456789abcdef"

// TestAnswers sends everything in one piece, byte by byte, and by sevens, and expects exactly the frames, and the end if the last one is a fatal error.
func TestAnswers(t *testing.T) {
	long := strings.Repeat("n", 64)
	tests := map[string]struct {
		send string
		want []string
	}{
		"an unknown command is fatal":                 {"HELLO world\n", []string{"error E_INVALID invalid command HELLO"}},
		"commands are case-sensitive":                 {"pub t\n", []string{"error E_INVALID invalid command pub"}},
		"an empty line is the command with no name":   {"\n", []string{"error E_INVALID invalid command "}},
		"a tab separates nothing":                     {"PUB\tt\n", []string{"error E_INVALID invalid command PUB\tt"}},
		"NOP is silent":                               {"NOP\nNOP a b\nNOP\r\nPUB t\n" + sized("x"), []string{"response OK"}},
		"one carriage return belongs to the line end": {"PUB t\r\n" + sized("x") + "PUB t\r\r\n", []string{"response OK", `error E_BAD_TOPIC PUB topic name "t\r" is not valid`}},
		"two spaces make an empty parameter":          {"PUB  t\n", []string{`error E_BAD_TOPIC PUB topic name "" is not valid`}},
		"names in errors are quoted":                  {"PUB caf\xff\"\n", []string{`error E_BAD_TOPIC PUB topic name "caf\xff\"" is not valid`}},

		"PUB wants a topic":           {"PUB\n", []string{"error E_INVALID PUB insufficient number of parameters"}},
		"PUB checks the topic":        {"PUB no/good\n", []string{`error E_BAD_TOPIC PUB topic name "no/good" is not valid`}},
		"PUB takes 64 bytes of name":  {"PUB " + long + "\n" + sized("x") + "PUB " + long + "n\n", []string{"response OK", `error E_BAD_TOPIC PUB topic name "` + long + `n" is not valid`}},
		"PUB refuses an empty body":   {"PUB t\n" + int32Bytes(0), []string{"error E_BAD_MESSAGE PUB invalid message body size 0"}},
		"PUB refuses a negative size": {"PUB t\n" + int32Bytes(-1), []string{"error E_BAD_MESSAGE PUB invalid message body size -1"}},
		"PUB refuses what is too big": {"PUB t\n" + int32Bytes(101), []string{"error E_BAD_MESSAGE PUB message too big 101 > 100"}},

		"DPUB wants two parameters":    {"DPUB t\n", []string{"error E_INVALID DPUB insufficient number of parameters"}},
		"DPUB checks the topic first":  {"DPUB t@ x\n", []string{`error E_BAD_TOPIC DPUB topic name "t@" is not valid`}},
		"DPUB parses the delay":        {"DPUB t -5\n", []string{"error E_INVALID DPUB could not parse timeout -5"}},
		"DPUB limits the delay":        {"DPUB t 3600001\n", []string{"error E_INVALID DPUB timeout 3600001 out of range 0-3600000"}},
		"DPUB's delay may wrap around": {"DPUB t 18446744073709551615\n", []string{"error E_INVALID DPUB timeout -1 out of range 0-3600000"}},
		"DPUB takes no delay for 0":    {"DPUB t \n" + sized("x"), []string{"response OK"}},
		"DPUB takes the longest delay": {"DPUB t 3600000\n" + sized("x"), []string{"response OK"}},
		"DPUB refuses an empty body":   {"DPUB t 1\n" + int32Bytes(0), []string{"error E_BAD_MESSAGE DPUB invalid message body size 0"}},
		"DPUB refuses what is too big": {"DPUB t 1\n" + int32Bytes(101), []string{"error E_BAD_MESSAGE DPUB message too big 101 > 100"}},

		"MPUB wants a topic":             {"MPUB\n", []string{"error E_INVALID MPUB insufficient number of parameters"}},
		"MPUB says the code twice":       {"MPUB no^\n", []string{`error E_BAD_TOPIC E_BAD_TOPIC MPUB topic name "no^" is not valid`}},
		"MPUB refuses an empty body":     {"MPUB t\n" + int32Bytes(0), []string{"error E_BAD_BODY MPUB invalid body size 0"}},
		"MPUB refuses a negative size":   {"MPUB t\n" + int32Bytes(-9), []string{"error E_BAD_BODY MPUB invalid body size -9"}},
		"MPUB refuses what is too big":   {"MPUB t\n" + int32Bytes(1001), []string{"error E_BAD_BODY MPUB body too big 1001 > 1000"}},
		"MPUB refuses no messages":       {"MPUB t\n" + int32Bytes(4) + int32Bytes(0), []string{"error E_BAD_BODY MPUB invalid message count 0"}},
		"MPUB refuses negative messages": {"MPUB t\n" + int32Bytes(4) + int32Bytes(-2), []string{"error E_BAD_BODY MPUB invalid message count -2"}},
		"MPUB refuses too many messages": {"MPUB t\n" + int32Bytes(4) + int32Bytes(200), []string{"error E_BAD_BODY MPUB invalid message count 200"}},
		"MPUB refuses an empty message":  {"MPUB t\n" + int32Bytes(8) + int32Bytes(1) + int32Bytes(0), []string{"error E_BAD_MESSAGE MPUB invalid message(0) body size 0"}},
		"MPUB numbers the bad message":   {"MPUB t\n" + int32Bytes(17) + int32Bytes(2) + sized("abcde") + int32Bytes(-1), []string{"error E_BAD_MESSAGE MPUB invalid message(1) body size -1"}},
		"MPUB refuses a big message":     {"MPUB t\n" + int32Bytes(17) + int32Bytes(2) + sized("abcde") + int32Bytes(101), []string{"error E_BAD_MESSAGE MPUB message too big 101 > 100"}},
		"MPUB goes by its messages' sizes": {"MPUB t\n" + int32Bytes(9) + int32Bytes(1) + sized("x") + "NOP\nPUB t\n" + sized("y") +
			"MPUB t\n" + int32Bytes(100) + int32Bytes(1) + sized("x") + "BAD\n",
			[]string{"response OK", "response OK", "response OK", "error E_INVALID invalid command BAD"}},

		"SUB wants two parameters": {"SUB t\n", []string{"error E_INVALID SUB insufficient number of parameters"}},
		"SUB checks the topic":     {"SUB t? c\n", []string{`error E_BAD_TOPIC SUB topic name "t?" is not valid`}},
		"SUB checks the channel":   {"SUB t \n", []string{`error E_BAD_CHANNEL SUB channel name "" is not valid`}},
		"SUB comes once":           {"SUB t c\nSUB t d\n", []string{"response OK", "error E_INVALID cannot SUB in current state"}},
		"SUB wants heartbeats":     {"IDENTIFY\n" + sized(`{"heartbeat_interval":-1}`) + "SUB\n", []string{"response OK", "error E_INVALID cannot SUB with heartbeats disabled"}},

		"RDY comes after SUB":    {"RDY 1\n", []string{"error E_INVALID cannot RDY in current state"}},
		"RDY wants a number":     {"SUB t c\nRDY 1.5\n", []string{"response OK", "error E_INVALID RDY could not parse count 1.5"}},
		"RDY has a limit":        {"SUB t c\nRDY 2500\nRDY 2501\n", []string{"response OK", "error E_INVALID RDY count 2501 out of range 0-2500"}},
		"RDY may wrap around":    {"SUB t c\nRDY 18446744073709551617\nRDY 18446744073709551615\n", []string{"response OK", "error E_INVALID RDY count -1 out of range 0-2500"}},
		"RDY needs no parameter": {"SUB t c\nRDY\nRDY \nRDY 1 2\nX\n", []string{"response OK", "error E_INVALID invalid command X"}},

		"FIN comes after SUB":    {"FIN " + id16 + "\n", []string{"error E_INVALID cannot FIN in current state"}},
		"REQ comes after SUB":    {"REQ\n", []string{"error E_INVALID cannot REQ in current state"}},
		"TOUCH comes after SUB":  {"TOUCH\n", []string{"error E_INVALID cannot TOUCH in current state"}},
		"FIN wants an id":        {"SUB t c\nFIN\n", []string{"response OK", "error E_INVALID FIN insufficient number of params"}},
		"REQ wants a timeout":    {"SUB t c\nREQ " + id16 + "\n", []string{"response OK", "error E_INVALID REQ insufficient number of params"}},
		"TOUCH wants an id":      {"SUB t c\nTOUCH\n", []string{"response OK", "error E_INVALID TOUCH insufficient number of params"}},
		"an id has 16 bytes":     {"SUB t c\nFIN " + id16 + "0\n", []string{"response OK", "error E_INVALID invalid message ID"}},
		"an id may not be short": {"SUB t c\nREQ short soon\n", []string{"response OK", "error E_INVALID invalid message ID"}},
		"an id may not be empty": {"SUB t c\nTOUCH \n", []string{"response OK", "error E_INVALID invalid message ID"}},
		"REQ parses the timeout": {"SUB t c\nREQ " + id16 + " soon\n", []string{"response OK", "error E_INVALID REQ could not parse timeout soon"}},
		"unknown ids are told in order and end nothing": {
			"SUB t c\nFIN " + id16 + "\nFIN zzzzzzzzzzzzzzzz\nFIN 0000000000000001\nREQ 0000000000000002 5\nTOUCH 0123456789ABCDEF\nPUB t\n" + sized("x") + "TOUCH 0000000000000003\nNOP\n",
			[]string{
				"response OK",
				"error E_FIN_FAILED FIN " + id16 + " failed ID not in flight",
				"error E_FIN_FAILED FIN zzzzzzzzzzzzzzzz failed ID not in flight",
				"error E_FIN_FAILED FIN 0000000000000001 failed ID not in flight",
				"error E_REQ_FAILED REQ 0000000000000002 failed ID not in flight",
				"error E_TOUCH_FAILED TOUCH 0123456789ABCDEF failed ID not in flight",
				"response OK",
				"error E_TOUCH_FAILED TOUCH 0000000000000003 failed ID not in flight",
			}},

		"CLS comes after SUB":          {"CLS\n", []string{"error E_INVALID cannot CLS in current state"}},
		"CLS comes once":               {"SUB t c\nCLS\nCLS\n", []string{"response OK", "response CLOSE_WAIT", "error E_INVALID cannot CLS in current state"}},
		"after CLS any RDY is ignored": {"SUB t c\nCLS\nRDY nonsense\nPUB t\n" + sized("x"), []string{"response OK", "response CLOSE_WAIT", "response OK"}},
		"IDENTIFY comes before SUB":    {"SUB t c\nIDENTIFY\n", []string{"response OK", "error E_INVALID cannot IDENTIFY in current state"}},
		"AUTH comes before SUB":        {"SUB t c\nAUTH\n", []string{"response OK", "error E_INVALID cannot AUTH in current state"}},
		"AUTH has no parameters":       {"AUTH \n", []string{"error E_INVALID AUTH invalid number of parameters"}},
		"AUTH's body has a limit":      {"AUTH\n" + int32Bytes(1001), []string{"error E_BAD_BODY AUTH body too big 1001 > 1000"}},
		"AUTH's body has a size":       {"AUTH\n" + int32Bytes(-1), []string{"error E_BAD_BODY AUTH invalid body size -1"}},
		"AUTH may be disabled":         {"AUTH\n" + sized("secret"), []string{"error E_AUTH_DISABLED AUTH disabled"}},

		"everything before a fatal error is done and answered": {
			"PUB t\n" + sized("a") + "PUB u\n" + sized("b") + "DPUB u 0\n" + sized("c") + "MPUB u\n" + mpubBody("d", "e") + "BAD\n",
			[]string{"response OK", "response OK", "response OK", "response OK", "error E_INVALID invalid command BAD"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o := testOptions()
			o.MaxMsgSize, o.MaxBodySize = 100, 1000
			inBubble(t, o, func(t *testing.T, h *harness) {
				fatal := strings.HasPrefix(test.want[len(test.want)-1], "error") && !strings.Contains(name, "end nothing")
				for _, piece := range []int{len(test.send), 1, 7} {
					c := h.open()
					for chunk := range slices.Chunk([]byte(test.send), piece) {
						c.send(string(chunk))
					}
					c.expect(test.want...)
					if fatal {
						c.ends()
					}
					c.close()
				}
			})
		})
	}
}
