package admin

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// The file of users, a line each:
//
//	secret SECRET                the same on all nodes: it signs sessions, and what nodes ask each other
//	user NAME ROLE BCRYPT        "-" instead of the hash is a user without a password, whom a proxy lets in
//	token NAME ROLE SHA256       of a random token, for programs

// Errors of the file of users.
var (
	ErrNoUser  = errors.New("no such user")
	ErrBadName = errors.New("a name is 1 to 64 letters, digits and .-_@+")
	ErrBadRole = errors.New("a role is viewer, operator or admin")
	ErrWeak    = errors.New("a password has 8 to 72 bytes")
)

// freshUsers is how old what was read of the file may be.
const freshUsers = 2 * time.Second

// Account is a user or a token of the file.
type Account struct {
	Name  string
	Role  Role
	Token bool
	hash  string
}

// Passwordless reports whether only a proxy can let the user in.
func (a Account) Passwordless() bool { return !a.Token && a.hash == "-" }

// Users are those of a file, which is read again when it changes.
type Users struct {
	file string

	mu       sync.Mutex
	read     time.Time
	changed  time.Time
	secret   string
	accounts []Account
	err      error // why it could not be read again; what was read before stays
}

// OpenUsers reads a file, which must be there.
func OpenUsers(file string) (*Users, error) {
	u := &Users{file: file}
	return u, u.load()
}

// load reads the file if it has changed. u.mu is held, or nobody else knows u.
func (u *Users) load() error {
	u.read = time.Now()
	info, err := os.Stat(u.file)
	if err != nil {
		return fmt.Errorf("read users: %w", err)
	}
	if info.ModTime().Equal(u.changed) {
		return nil
	}
	b, err := os.ReadFile(u.file)
	if err != nil {
		return fmt.Errorf("read users: %w", err)
	}
	secret, accounts, err := parseUsers(b)
	if err != nil {
		return fmt.Errorf("read users of %s: %w", u.file, err)
	}
	u.secret, u.accounts, u.changed = secret, accounts, info.ModTime()
	return nil
}

func parseUsers(b []byte) (secret string, accounts []Account, err error) {
	number := 0
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
		number++
		words := strings.Fields(lines.Text())
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "#"):
		case words[0] == "secret" && len(words) == 2 && len(words[1]) >= 32:
			secret = words[1]
		case (words[0] == "user" || words[0] == "token") && len(words) == 4:
			role, err := ParseRole(words[2])
			if err != nil {
				return "", nil, fmt.Errorf("line %d: %w", number, err)
			}
			accounts = append(accounts, Account{Name: words[1], Role: role, Token: words[0] == "token", hash: words[3]})
		default:
			return "", nil, fmt.Errorf("line %d: neither a secret, nor a user, nor a token", number)
		}
	}
	if secret == "" {
		return "", nil, errors.New("there is no secret; nsqmesh user add makes one")
	}
	return secret, accounts, nil
}

// ParseRole reads viewer, operator or admin.
func ParseRole(word string) (Role, error) {
	for _, r := range []Role{Viewer, Operator, Superior} {
		if r.String() == word {
			return r, nil
		}
	}
	return Nobody, ErrBadRole
}

// current returns what the file says now or, if it cannot be read, what it said.
func (u *Users) current() (secret string, accounts []Account) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if time.Since(u.read) > freshUsers {
		u.err = u.load()
	}
	return u.secret, u.accounts
}

// Err is why the file could not be read again.
func (u *Users) Err() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.err
}

func (u *Users) find(name string, token bool) (Account, bool) {
	_, accounts := u.current()
	i := slices.IndexFunc(accounts, func(a Account) bool { return a.Name == name && a.Token == token })
	if i < 0 {
		return Account{}, false
	}
	return accounts[i], true
}

// nobodyHash takes as long to compare as that of a user, so that time does not tell names.
var nobodyHash = sync.OnceValue(func() []byte {
	h, _ := bcrypt.GenerateFromPassword([]byte("nobody"), bcrypt.DefaultCost) // a password so short cannot fail
	return h
})

// password returns the user of that name if the password is theirs.
func (u *Users) password(name, password string) (Account, bool) {
	a, known := u.find(name, false)
	if !known || a.Passwordless() {
		_ = bcrypt.CompareHashAndPassword(nobodyHash(), []byte(password))
		return Account{}, false
	}
	return a, bcrypt.CompareHashAndPassword([]byte(a.hash), []byte(password)) == nil
}

// token returns the account of a token.
func (u *Users) token(token string) (Account, bool) {
	hash := tokenHash(token)
	_, accounts := u.current()
	for _, a := range accounts {
		if a.Token && equal(a.hash, hash) {
			return a, true
		}
	}
	return Account{}, false
}

func tokenHash(token string) string {
	h := sha256.Sum256([]byte(token))
	return hex.EncodeToString(h[:])
}

// List returns all accounts, in the order of the file.
func (u *Users) List() []Account {
	_, accounts := u.current()
	return slices.Clone(accounts)
}

// AddUser adds a user to a file, or gives one another role and password; an empty password is none. The file is made if it is missing.
func AddUser(file, name string, role Role, password string) error {
	hash := "-"
	if password != "" {
		if len(password) < 8 || len(password) > 72 {
			return ErrWeak
		}
		h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
		if err != nil {
			return fmt.Errorf("hash password: %w", err)
		}
		hash = string(h)
	}
	return put(file, Account{Name: name, Role: role, hash: hash})
}

// AddToken adds a token to a file, or replaces one, and returns it. It is nowhere else.
func AddToken(file, name string, role Role) (string, error) {
	token := "nsq_" + rand.Text() + rand.Text()
	return token, put(file, Account{Name: name, Role: role, Token: true, hash: tokenHash(token)})
}

// Remove takes the users and tokens of a name out of a file.
func Remove(file, name string) error {
	secret, accounts, err := readUsers(file)
	if err != nil {
		return err
	}
	left := slices.DeleteFunc(slices.Clone(accounts), func(a Account) bool { return a.Name == name })
	if len(left) == len(accounts) {
		return ErrNoUser
	}
	return writeUsers(file, secret, left)
}

func put(file string, a Account) error {
	if !goodName(a.Name) {
		return ErrBadName
	}
	secret, accounts, err := readUsers(file)
	if errors.Is(err, fs.ErrNotExist) {
		secret, err = rand.Text()+rand.Text(), nil
	}
	if err != nil {
		return err
	}
	i := slices.IndexFunc(accounts, func(b Account) bool { return b.Name == a.Name && b.Token == a.Token })
	if i < 0 {
		accounts = append(accounts, a)
	} else {
		accounts[i] = a
	}
	return writeUsers(file, secret, accounts)
}

func goodName(name string) bool {
	bad := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(".-_@+", r))
	}
	return name != "" && len(name) <= 64 && !strings.ContainsFunc(name, bad)
}

func readUsers(file string) (secret string, accounts []Account, err error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", nil, fmt.Errorf("read users: %w", err)
	}
	return parseUsers(b)
}

// writeUsers replaces the file in one step.
func writeUsers(file, secret string, accounts []Account) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Written by nsqmesh user. All nodes need the same file.\nsecret %s\n", secret)
	for _, a := range accounts {
		kind := "user"
		if a.Token {
			kind = "token"
		}
		fmt.Fprintf(&b, "%s %s %s %s\n", kind, a.Name, a.Role, a.hash)
	}
	if err := os.WriteFile(file+".tmp", []byte(b.String()), 0o600); err != nil {
		return fmt.Errorf("write users: %w", err)
	}
	return os.Rename(file+".tmp", file)
}
