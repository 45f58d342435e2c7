package admin_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/shared/admin"
)

func TestContentTypes(t *testing.T) {
	w := placed(t)
	for _, tc := range []struct {
		contentType string
		want        int
	}{
		{"", 200}, {"application/json", 200}, {"application/json; charset=utf-8", 200}, {"application/schema+json", 200},
		{"application/x-www-form-urlencoded", 200}, // curl -d
		{"text/plain", 415}, {"application/xml", 415}, {"multipart/form-data; boundary=x", 415}, {"json", 415},
	} {
		res, text := w.send(http.MethodPut, "/admin/v1/profile-schema", profileSchema, "Content-Type", tc.contentType)
		if res.StatusCode != tc.want {
			t.Errorf("%q: %d %s, want %d", tc.contentType, res.StatusCode, text, tc.want)
		}
	}
	got := w.refused(http.MethodPut, "/admin/v1/profile-schema", profileSchema, "Content-Type", "application/yaml")
	if want := "415 the body must be JSON (Content-Type: application/json), not application/yaml"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	res, text := w.send(http.MethodPatch, "/admin/v1/actions/shop/versions/1/settings", `{"timeout": "5s"}`, "Content-Type", "application/merge-patch+json")
	if res.StatusCode != 200 {
		t.Errorf("a merge patch: %d %s", res.StatusCode, text)
	}
}

// A real server, as curl meets it: sizes, and what net/http does by itself.
func TestOverHTTP(t *testing.T) {
	w := placed(t)
	server := httptest.NewServer(w.h)
	defer server.Close()
	ask := func(method, path, body string) (*http.Response, string) {
		r, err := http.NewRequest(method, server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		data, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, string(data)
	}
	for _, tc := range []struct {
		name, path string
		bytes      int
		want       int
		says       string
	}{
		{"the largest body", "/admin/v1/events/large", admin.MaxBody, 200, ""},
		{"a body too large", "/admin/v1/events/large", admin.MaxBody + 1, 413, "the body is over the limit of 262144 bytes"},
		{"one far too large", "/admin/v1/events/large", 4 << 20, 413, "the body is over the limit of 262144 bytes"},
		{"a profile too large", "/admin/v1/profiles/c-1", 128<<10 + 1, 413, "the profile has 131073 bytes, over the limit of 131072"},
	} {
		body := "{" + strings.Repeat(" ", tc.bytes-2) + "}"
		res, text := ask(http.MethodPut, tc.path, body)
		if res.StatusCode != tc.want || !strings.Contains(text, tc.says) {
			t.Errorf("%s: %d %s, want %d", tc.name, res.StatusCode, text, tc.want)
		}
	}
	res, text := ask(http.MethodDelete, "/admin/v1/actions/shop", "")
	if got, want := res.Header.Get("Allow"), "GET, HEAD, PUT"; res.StatusCode != 405 || got != want {
		t.Errorf("DELETE: %d, Allow %q, want %q: %s", res.StatusCode, got, want, text)
	}
	res, text = ask(http.MethodHead, "/admin/v1/actions/shop", "")
	if res.StatusCode != 200 || text != "" {
		t.Errorf("HEAD: %d %q", res.StatusCode, text)
	}
	if got := res.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control = %q", got)
	}
}

// Names that a URL must escape are what they were when they come out.
func TestEscapedNames(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{
		"/admin/v1/profiles/c-1", "/admin/v1/profiles/ada@example.com", "/admin/v1/profiles/urn:crm%2Fada", "/admin/v1/profiles/a%20b",
		"/admin/v1/profiles/%2E%2E", "/admin/v1/profiles/100%25", "/admin/v1/profiles/J%C3%BCrgen",
		"/admin/v1/events/order.ready", "/admin/v1/events/com.example:order%2Fready",
	} {
		body := `{"properties":{"path":{"const":"` + path + `"}}}`
		w.ok(http.MethodPut, path, body)
		if _, got := w.send(http.MethodGet, path, ""); strings.TrimSpace(got) != body {
			t.Errorf("%s: %s, want %s", path, got, body)
		}
	}
	if got, want := w.ok(http.MethodPut, "/admin/v1/profiles/urn:crm%2Fada", "{}")["name"], "urn:crm/ada"; got != want {
		t.Errorf("name = %q, want %q", got, want)
	}
}

func TestIndexAndDescription(t *testing.T) {
	w := newWorld(t)
	index := w.ok(http.MethodGet, "/admin/", "")
	var paths []string
	for _, r := range index["routes"].([]any) {
		m := r.(map[string]any)
		paths = append(paths, m["method"].(string)+" "+m["path"].(string))
	}
	for _, want := range []string{
		"PUT /admin/v1/profile-schema", "PUT /admin/v1/events/{type}", "PUT /admin/v1/profiles/{id}", "PUT /admin/v1/actions/{name}",
		"POST /admin/v1/actions/{name}/publish", "PATCH /admin/v1/actions/{name}/versions/{n}/settings", "PUT /admin/v1/journeys/{name}",
		"POST /admin/v1/journeys/{name}/publish", "GET /admin/v1/deliveries", "GET /admin/v1/deliveries/{id}",
	} {
		if !slices.Contains(paths, want) {
			t.Errorf("the index lacks %s", want)
		}
	}
	described := w.ok(http.MethodGet, index["openapi"].(string), "")
	if got := described["openapi"]; got != "3.1.0" {
		t.Errorf("openapi = %v", got)
	}
	operations := described["paths"].(map[string]any)
	for _, p := range paths {
		method, path, _ := strings.Cut(p, " ")
		if item, ok := operations[path].(map[string]any); !ok || item[strings.ToLower(method)] == nil {
			t.Errorf("the description lacks %s", p)
		}
	}
	// A document's schema stands in it whole, so that tools can check bodies.
	put := operations["/admin/v1/actions/{name}"].(map[string]any)["put"].(map[string]any)
	body, _ := json.Marshal(put["requestBody"])
	for _, want := range []string{`"$id":"urn:waypost:schema:an-action"`, `"atMostOnce"`} {
		if !strings.Contains(string(body), want) {
			t.Errorf("the description of an action's body lacks %s", want)
		}
	}
	all, _ := json.Marshal(described)
	for _, unwanted := range []string{"octet-stream", "ErrorModel"} {
		if strings.Contains(string(all), unwanted) {
			t.Errorf("the description has %s", unwanted)
		}
	}
}

// A service that does not answer is told without its words, which the log has.
func TestUnavailable(t *testing.T) {
	w := newWorld(t)
	var log bytes.Buffer
	w.catalog.Store = brokenStore{}
	h := (&admin.Handler{Catalog: w.catalog, Log: slog.New(slog.NewTextHandler(&log, nil)), Now: w.catalog.Now}).Routes()
	for _, tc := range []struct{ path, says string }{
		{"/admin/v1/actions", "an internal error"},
		{"/admin/v1/actions/shop", "an internal error"},
	} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, tc.path, nil))
		p := decode(t, rec.Body.String())
		id, _ := p["id"].(string)
		if diff := cmp.Diff(map[string]any{"type": "urn:waypost:problem:internal", "title": "Internal error", "status": 500.0, "detail": tc.says, "id": id}, p); diff != "" {
			t.Errorf("%s: %s", tc.path, diff)
		}
		if id == "" || !strings.Contains(log.String(), "id="+id) || !strings.Contains(log.String(), "10.0.0.1") {
			t.Errorf("%s: the log lacks %s or the cause: %s", tc.path, id, log.String())
		}
	}
}
