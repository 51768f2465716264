package admin

import "context"

// Role is what somebody may do.
type Role int

// Each role may do what the ones before it may.
const (
	Nobody   Role = iota
	Viewer        // look, but not into messages
	Operator      // look into messages, publish, pause, requeue, disconnect
	Superior      // "admin": create, delete, empty, tombstone
)

// String is the role's word in files.
func (r Role) String() string {
	switch r {
	case Viewer:
		return "viewer"
	case Operator:
		return "operator"
	case Superior:
		return "admin"
	}
	return "nobody"
}

// Needs is the least role that may do it.
func (k Kind) Needs() Role {
	switch k {
	case PauseTopic, UnpauseTopic, PauseChannel, UnpauseChannel, Publish, Requeue, Disconnect:
		return Operator
	}
	return Superior
}

// User is who asks.
type User struct {
	Name string // empty where nobody has to log in
	Role Role
	From string // remote address
}

// May reports whether the user may do it.
func (u User) May(k Kind) bool { return u.Role >= k.Needs() }

// MayPeek reports whether the user may look into messages.
func (u User) MayPeek() bool { return u.Role >= Operator }

type userKey struct{}

type tokenKey struct{}

// UserOf returns who asks; nobody unless the request came through Handler.
func UserOf(ctx context.Context) User {
	u, _ := ctx.Value(userKey{}).(User)
	return u
}

// WithUser makes ctx that of a user.
func WithUser(ctx context.Context, u User) context.Context {
	return context.WithValue(ctx, userKey{}, u)
}

// TokenField is the name of the form field that shows that a form is ours.
const TokenField = "csrf"

// FormToken is the value of that field; empty where nobody has to log in.
func FormToken(ctx context.Context) string {
	t, _ := ctx.Value(tokenKey{}).(string)
	return t
}
