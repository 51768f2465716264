package admin

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A session is a cookie that says who and until when, signed with the secret of the users' file; nothing of it is kept. So it
// is good on every node with the same file, and ends when the user's password or role changes.

const (
	sessionCookie = "nsqmesh_session"
	sessionLife   = 12 * time.Hour
	tokenHeader   = "X-Csrf-Token" // what a script sends instead of TokenField
)

// sign is a message authentication code over words that hold no line break.
func (u *Users) sign(words ...string) string {
	secret, _ := u.current()
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(strings.Join(words, "\n")))
	return hex.EncodeToString(mac.Sum(nil))
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// session is the cookie's value for a user.
func (u *Users) session(a Account, until time.Time) string {
	end := strconv.FormatInt(until.Unix(), 10)
	return base64.RawURLEncoding.EncodeToString([]byte(a.Name + "|" + end + "|" + u.sign("session", a.Name, end, a.hash, a.Role.String())))
}

// resume returns whose session a cookie is.
func (u *Users) resume(value string, now time.Time) (Account, bool) {
	b, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		return Account{}, false
	}
	parts := strings.Split(string(b), "|")
	if len(parts) != 3 {
		return Account{}, false
	}
	until, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || now.Unix() >= until {
		return Account{}, false
	}
	a, known := u.find(parts[0], false)
	if !known || !equal(parts[2], u.sign("session", a.Name, parts[1], a.hash, a.Role.String())) {
		return Account{}, false
	}
	return a, true
}

// formToken shows that a form comes from a page that was made for whoever sends it.
func (u *Users) formToken(of string) string { return u.sign("form", of)[:32] }

// NodeToken is what nodes show each other.
func (u *Users) NodeToken() string { return "node_" + u.sign("node") }

// bearer returns whose token a request has.
func (u *Users) bearer(req *http.Request) (Account, bool) {
	token, ok := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return Account{}, false
	}
	if strings.HasPrefix(token, "node_") && equal(token, u.NodeToken()) {
		return Account{Name: "a node", Role: Superior, Token: true}, true
	}
	return u.token(token)
}

func (a *Admin) cookie(value string, life time.Duration, secure bool) *http.Cookie {
	c := &http.Cookie{
		Name: sessionCookie, Value: value, Path: a.o.BasePath + "/", HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
		MaxAge: int(life.Seconds()),
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}
