package inbox

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS string
)

// Handler serves the page /inbox, the list /inbox.json (since=N for what came
// after message N; DELETE empties it), and the page's cards, /inbox/cards,
// which the page asks for as messages come.
func (s *Store) Handler() http.Handler {
	p := &page{store: s, template: template.Must(template.New("page").Funcs(template.FuncMap{
		"tokens": tokens, "fields": fields, "clock": clock, "initial": initial, "class": statusClass, "pretty": pretty,
		"mrkdwn": mrkdwn, "blocks": blocksOf, "drawn": drawn,
	}).Parse(pageHTML))}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /inbox", p.serve)
	mux.HandleFunc("GET /inbox/{$}", p.serve)
	mux.HandleFunc("GET /inbox/cards", p.cards)
	mux.HandleFunc("GET /inbox.json", p.list)
	mux.HandleFunc("DELETE /inbox.json", func(w http.ResponseWriter, _ *http.Request) {
		s.Clear()
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

type page struct {
	store    *Store
	template *template.Template
}

// view is what the template shows.
type view struct {
	Host, Session, Nonce string
	CSS                  template.CSS
	JS                   template.JS
	Last                 int64
	Messages             []Message
}

func (p *page) view(r *http.Request) view {
	v := view{Host: r.Host, Session: p.store.session, CSS: template.CSS(pageCSS), JS: template.JS(pageJS)}
	v.Messages = p.store.Since(since(r))
	if len(v.Messages) > 0 {
		v.Last = v.Messages[0].Seq
	}
	return v
}

func since(r *http.Request) int64 {
	n, err := strconv.ParseInt(r.URL.Query().Get("since"), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (p *page) serve(w http.ResponseWriter, r *http.Request) {
	v := p.view(r)
	v.Nonce = rand.Text()
	// The bodies shown come from anywhere: nothing but this page's own style
	// and script may run, and it may talk to nobody but its server.
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+v.Nonce+"'; script-src 'nonce-"+v.Nonce+
		"'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	p.render(w, "document", v)
}

func (p *page) cards(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", "default-src 'none'; sandbox")
	p.render(w, "cards", p.view(r))
}

func (p *page) render(w http.ResponseWriter, name string, v view) {
	var b bytes.Buffer
	if err := p.template.ExecuteTemplate(&b, name, v); err != nil {
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Inbox-Session", v.Session)
	h.Set("X-Inbox-Last", strconv.FormatInt(v.Last, 10))
	_, _ = w.Write(b.Bytes())
}

func (p *page) list(w http.ResponseWriter, r *http.Request) {
	v := p.view(r)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	_ = json.NewEncoder(w).Encode(map[string]any{"session": v.Session, "last": v.Last, "messages": v.Messages})
}

// drawn says whether the page draws a message as its recipient sees it. The
// request itself is folded away then.
func drawn(m Message) bool {
	return m.Channel == "sms" || m.Channel == "slack" || m.Points != nil || m.Screen != nil
}

func clock(t time.Time) string { return t.Format("15:04:05.000") }

// initial is what an avatar shows of a number: its last two digits.
func initial(to string) string {
	if len(to) < 2 || !strings.HasPrefix(to, "+") {
		return "#"
	}
	return to[len(to)-2:]
}

func statusClass(status int) string {
	switch {
	case status >= 500:
		return "bad"
	case status >= 400:
		return "warn"
	case status >= 300:
		return "note"
	}
	return "ok"
}

// A token is a run of a body's text that is shown in one style: "k" a key, "s"
// a string, "n" a number, "w" a word, "" anything else.
type token struct{ Kind, Text string }

var jsonToken = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null`)

// maxTokens bounds the marks of one body: a longer one goes on in plain text.
const maxTokens = 4000

// pretty indents JSON, and leaves any other text alone.
func pretty(body string) string {
	var b bytes.Buffer
	if json.Indent(&b, []byte(body), "", "  ") == nil {
		return b.String()
	}
	return body
}

// tokens cuts a body into runs for the template, which escapes each.
func tokens(body string) []token {
	if !json.Valid([]byte(body)) {
		return []token{{"", body}}
	}
	text := pretty(body)
	var out []token
	end := 0
	for _, m := range jsonToken.FindAllStringIndex(text, maxTokens) {
		if m[0] > end {
			out = append(out, token{"", text[end:m[0]]})
		}
		t := token{"n", text[m[0]:m[1]]}
		switch {
		case t.Text[0] == '"' && strings.HasPrefix(text[m[1]:], ":"):
			t.Kind = "k"
		case t.Text[0] == '"':
			t.Kind = "s"
		case t.Text[0] >= 'a':
			t.Kind = "w"
		}
		out = append(out, t)
		end = m[1]
	}
	return append(out, token{"", text[end:]})
}

// fields decodes a form's body, sorted by name; nil where the message has none.
func fields(m Message) []Header {
	if !slices.ContainsFunc(m.Headers, func(h Header) bool {
		return h.Name == "Content-Type" && strings.HasPrefix(h.Value, "application/x-www-form-urlencoded")
	}) {
		return nil
	}
	form, err := url.ParseQuery(m.Body)
	if err != nil {
		return nil
	}
	var out []Header
	for name, values := range form {
		for _, v := range values {
			out = append(out, Header{name, v})
		}
	}
	slices.SortFunc(out, func(a, b Header) int { return strings.Compare(a.Name, b.Name) })
	return out
}
