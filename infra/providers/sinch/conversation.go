package sinch

import (
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/waypost/waypost/infra/providers/callbacks"
	"github.com/waypost/waypost/infra/providers/inbox"
	"github.com/waypost/waypost/infra/providers/oauth"
)

// The stand-in's project, its app, and its access key, for examples. Sinch has
// none of these.
const (
	ProjectID = "00000000-0000-0000-0000-000000000000"
	AppID     = "00000000000000000000000000"
	KeyID     = "00000000-0000-0000-0000-000000000001"
	KeySecret = "not-a-real-secret-for-the-local-sinch"
)

// TokenPath is where tokens are given for access keys.
const TokenPath = "/oauth2/token"

// NewTokens makes the server that gives tokens for the access key. Basic is the
// one way that it takes it.
func NewTokens() *oauth.Server {
	return oauth.New(oauth.Options{URL: "https://auth.sinch.com" + TokenPath, Path: TokenPath, Clients: []oauth.Client{{ID: KeyID, Secret: KeySecret}}})
}

// Tokens know which tokens are live. NewTokens makes them.
type Tokens interface {
	Valid(token string, scopes ...string) bool
}

// ConversationOptions are a Conversation's settings.
type ConversationOptions struct {
	Tokens Tokens
	Inbox  Recorder         // nil records nothing
	Now    func() time.Time // nil means time.Now
	// Callbacks sends delivery reports; nil sends none.
	Callbacks     *callbacks.Sender
	WebhookSecret string // what they are signed with; empty means WebhookSecret
}

// A Conversation is a stand-in for the messages of Sinch's Conversation API,
// version 1: JSON under a token got by OAuth 2.0, one project with one app, which
// has the channel SMS alone and the processing mode DISPATCH. Make one with
// NewConversation. It is safe for concurrent use.
//
// Not promised: basic authentication (Sinch takes it, for tests), other messages
// than texts, contacts, channels beside SMS, reading, and regions: the app is
// of any. Delivery reports go to a message's callback_url alone, since the app
// has no webhooks of its own. The rules are those of Sinch's OpenAPI description. Sinch
// names no longest text, so there is none here. Its description does not say
// which status an unknown project or app has: here 403 and 404.
type Conversation struct {
	opts ConversationOptions
	mux  *http.ServeMux
}

// NewConversation makes a Conversation.
func NewConversation(o ConversationOptions) *Conversation {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.WebhookSecret == "" {
		o.WebhookSecret = WebhookSecret
	}
	c := &Conversation{opts: o, mux: http.NewServeMux()}
	c.mux.HandleFunc("POST /v1/projects/{project}/messages:send", c.send)
	c.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { writeStatus(w, notFoundStatus("Not Found")) })
	return c
}

// ServeHTTP authenticates a request and answers it.
func (c *Conversation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || !c.opts.Tokens.Valid(token) {
		writeStatus(w, &rpcStatus{http.StatusUnauthorized, "UNAUTHENTICATED", "Request had invalid credentials."})
		return
	}
	c.mux.ServeHTTP(w, r)
}

// send is POST messages:send.
func (c *Conversation) send(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("project") != ProjectID {
		writeStatus(w, denied())
		return
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		writeStatus(w, invalid("the content type must be application/json"))
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		writeStatus(w, invalid("the request is too large"))
		return
	}
	m, refused := newMessage(body)
	if refused != nil {
		writeStatus(w, refused)
		return
	}
	switch m.to() {
	case RateLimited:
		writeStatus(w, &rpcStatus{http.StatusTooManyRequests, "RESOURCE_EXHAUSTED", "Too many requests."})
		return
	case Outage:
		writeStatus(w, broken())
		return
	case Unavailable:
		writeStatus(w, &rpcStatus{http.StatusServiceUnavailable, "UNAVAILABLE", "The service is unavailable."})
		return
	}
	c.record(r, body, m)
	id := newID()
	c.callBack(m, id)
	switch m.to() {
	case LateOutage:
		writeStatus(w, broken())
	case Silent:
		panic(http.ErrAbortHandler) // closes the connection without an answer
	default:
		writeJSON(w, http.StatusOK, map[string]string{"message_id": id, "accepted_time": c.opts.Now().UTC().Format(stamp)})
	}
}

func (c *Conversation) record(r *http.Request, body []byte, m *message) {
	if c.opts.Inbox == nil {
		return
	}
	in := inbox.FromRequest(r, body)
	in.Channel, in.Provider, in.Status = "sms", "sinch_conversation", http.StatusOK
	in.To, in.Text, in.From = m.to(), m.Message.Text.Text, m.Properties["SMS_SENDER"]
	c.opts.Inbox.Add(in)
}

// An rpcStatus is an error as the Conversation API reports it.
type rpcStatus struct {
	code          int
	name, message string
}

func invalid(message string) *rpcStatus {
	return &rpcStatus{http.StatusBadRequest, "INVALID_ARGUMENT", message}
}

func unfit(message string) *rpcStatus {
	return &rpcStatus{http.StatusBadRequest, "FAILED_PRECONDITION", message}
}

func denied() *rpcStatus {
	return &rpcStatus{http.StatusForbidden, "PERMISSION_DENIED", "You do not have access to the requested resource."}
}

func notFoundStatus(message string) *rpcStatus {
	return &rpcStatus{http.StatusNotFound, "NOT_FOUND", message}
}

func broken() *rpcStatus {
	return &rpcStatus{http.StatusInternalServerError, "INTERNAL", "There was an internal server error."}
}

func writeStatus(w http.ResponseWriter, s *rpcStatus) {
	writeJSON(w, s.code, map[string]any{"error": map[string]any{"code": s.code, "message": s.message, "status": s.name, "details": []any{}}})
}
