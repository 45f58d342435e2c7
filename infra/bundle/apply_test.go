package bundle_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/bundle"
	"github.com/waypost/waypost/infra/local"
)

// A recorder is an API that keeps what it is asked, and passes it on.
type recorder struct {
	lines []string
	next  bundle.API
}

func (r *recorder) Do(ctx context.Context, method, path string, body json.RawMessage, out any) error {
	r.lines = append(r.lines, strings.TrimSpace(method+" "+path+" "+string(body)))
	return r.next.Do(ctx, method, path, body, out)
}

func (r *recorder) Put(_ context.Context, name, value string) (bool, error) {
	r.lines = append(r.lines, "secret "+name+" "+value)
	return strings.HasSuffix(name, "/real"), nil
}

// answers answers a method and a path; whatever it does not name gets {}.
type answers map[string]string

func (a answers) Do(_ context.Context, method, path string, _ json.RawMessage, out any) error {
	text, ok := a[method+" "+path]
	if why, refused := strings.CutPrefix(text, "refused: "); refused {
		return errors.New(why)
	}
	if out == nil {
		return nil
	}
	if !ok {
		text = "{}"
	}
	return json.Unmarshal([]byte(text), out)
}

// A runtime's API, over HTTP.
type httpAPI struct{ base string }

func (a httpAPI) Do(ctx context.Context, method, path string, body json.RawMessage, out any) error {
	r, err := http.NewRequestWithContext(ctx, method, a.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%d %s", res.StatusCode, data)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(data, out)
}

// apply applies a bundle, and gives what it reported.
func apply(t testing.TB, b *bundle.Bundle, api bundle.API) string {
	t.Helper()
	var said strings.Builder
	err := b.Apply(t.Context(), api, &recorder{}, func(format string, args ...any) { fmt.Fprintf(&said, format+"\n", args...) })
	if err != nil {
		t.Fatal(err)
	}
	return said.String()
}

func TestApplyPutsAllInPlaceInOrder(t *testing.T) {
	b := read(t, map[string]string{
		"profile-schema.json": `{"type":"object"}`, "events/order.ready.json": `{"type":"object"}`, "profiles/a b.json": `{"n":1}`,
		"actions/text.json":   `{"name":"text","settings":{"url":"https://two.example"}}`,
		"journeys/ready.json": `{"name":"ready"}`, "secrets.json": `{"waypost/real":{"token":"t"},"waypost/x":{"token":"t"}}`,
	})
	api := &recorder{next: answers{
		"PUT /admin/v1/profile-schema":                     `{"saved":true,"closed":["order_ready"]}`,
		"POST /admin/v1/actions/text/publish":              `{"version":3,"revision":1,"settings":{"url":"https://one.example","timeout":"5s"}}`,
		"PATCH /admin/v1/actions/text/versions/3/settings": `{"version":3,"revision":2}`,
		"POST /admin/v1/journeys/ready/publish":            `{"version":7,"type":"STANDARD"}`,
	}}
	var said []string
	err := b.Apply(t.Context(), api, api, func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{
		`secret waypost/real {"token":"t"}`,
		`secret waypost/x {"token":"t"}`,
		`PUT /admin/v1/profile-schema {"type":"object"}`,
		`PUT /admin/v1/events/order.ready {"type":"object"}`,
		`PUT /admin/v1/profiles/a%20b {"n":1}`,
		`PUT /admin/v1/actions/text {"name":"text","settings":{"url":"https://two.example"}}`,
		`POST /admin/v1/actions/text/publish`,
		`PATCH /admin/v1/actions/text/versions/3/settings {"timeout":null,"url":"https://two.example"}`,
		`PUT /admin/v1/journeys/ready {"name":"ready"}`,
		`POST /admin/v1/journeys/ready/publish`,
	}, api.lines); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{
		"secret    waypost/real is there already, and was left as it is: --replace-secrets replaces it",
		"secret    waypost/x",
		"closed    order_ready: an example, which this schema breaks; events enter it no more",
		"schema    of profiles",
		"event     order.ready",
		"profile   a b",
		"action    text version 3, revision 2 of its settings",
		"journey   ready version 7, standard",
	}, said); diff != "" {
		t.Error(diff)
	}
}

func TestApplyNamesTheFileThatIsRefused(t *testing.T) {
	files := map[string]string{"profile-schema.json": `{}`, "events/e.json": `{}`, "profiles/p.json": `{}`,
		"actions/a.json": `{"settings":{}}`, "journeys/j.json": `{}`}
	// What a real publish answers; without settings there is nothing to patch.
	published := map[string]string{"POST /admin/v1/actions/a/publish": `{"version":1,"settings":{}}`}
	for request, file := range map[string]string{
		"PUT /admin/v1/profile-schema":                  "profile-schema.json",
		"PUT /admin/v1/events/e":                        "events/e.json",
		"PUT /admin/v1/profiles/p":                      "profiles/p.json",
		"PUT /admin/v1/actions/a":                       "actions/a.json",
		"POST /admin/v1/actions/a/publish":              "actions/a.json",
		"PATCH /admin/v1/actions/a/versions/1/settings": "actions/a.json",
		"PUT /admin/v1/journeys/j":                      "journeys/j.json",
		"POST /admin/v1/journeys/j/publish":             "journeys/j.json",
	} {
		api := answers(maps.Clone(published))
		api[request] = "refused: not so"
		err := read(t, files).Apply(t.Context(), api, &recorder{}, func(string, ...any) {})
		if got, want := fmt.Sprint(err), file+": not so"; got != want {
			t.Errorf("%s: got %q, want %q", request, got, want)
		}
	}
}

// An action's settings, from one bundle to the next, at a running Waypost.
func TestApplyMakesSettingsTheDocuments(t *testing.T) {
	rt, err := local.Start(t.Context(), local.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := rt.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	api := httpAPI{rt.URL}
	action := func(settings string) *bundle.Bundle {
		return read(t, map[string]string{"actions/shop.json": `{"name": "shop", "channel": "webhook",
			"contract": {"method": "POST", "path": "/", "body": {"to": {"toBeMapped": true, "type": "string"}}}, "settings": ` + settings + `}`})
	}
	for _, step := range []struct{ settings, said, want string }{
		{`{"url": "https://a.example", "auth": {"type": "apiKey", "secret": "waypost/shop", "in": "header", "name": "X-Key"},
			"timeout": "5s", "retry": {"attempts": 2, "within": "1h"}, "requires": "profile.ok == true"}`,
			"action    shop version 1\n",
			`{"url":"https://a.example","auth":{"type":"apiKey","secret":"waypost/shop","in":"header","name":"X-Key"},"timeout":"5s",` +
				`"retry":{"attempts":2,"within":"1h"},"guarantee":"atLeastOnce","requires":"profile.ok == true"}`},
		{`{"url": "https://b.example", "auth": {"type": "bearer", "secret": "waypost/shop"}, "retry": {"attempts": 2}}`,
			"action    shop version 1, revision 2 of its settings\n",
			`{"url":"https://b.example","auth":{"type":"bearer","secret":"waypost/shop"},"retry":{"attempts":2},"guarantee":"atLeastOnce"}`},
		{`{"url": "https://b.example", "guarantee": "atMostOnce", "limits": []}`,
			"action    shop version 1, revision 3 of its settings\n",
			`{"url":"https://b.example","guarantee":"atMostOnce"}`},
		{`{"url": "https://b.example"}`,
			"action    shop version 1, revision 4 of its settings\n",
			`{"url":"https://b.example","guarantee":"atLeastOnce"}`},
	} {
		for range 2 { // the second time changes nothing
			if got := apply(t, action(step.settings), api); got != step.said {
				t.Errorf("%s: said %q, want %q", step.settings, got, step.said)
			}
			var got struct {
				Settings json.RawMessage `json:"settings"`
			}
			if err := api.Do(t.Context(), "GET", "/admin/v1/actions/shop/versions/1", nil, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(step.want, string(got.Settings)); diff != "" {
				t.Errorf("%s: %s", step.settings, diff)
			}
		}
	}
}
