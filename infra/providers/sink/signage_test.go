package sink_test

import (
	"net/http/httptest"
	"testing"

	"github.com/waypost/waypost/infra/providers/inbox"
	"github.com/waypost/waypost/infra/providers/sink"
)

// A screen shows the newest message, and says which one where it refuses another.
func TestSignage(t *testing.T) {
	box := inbox.New(inbox.Options{})
	srv := httptest.NewServer(sink.NewSignage(sink.Options{Inbox: box}).Handler("/p"))
	defer srv.Close()
	header := map[string]string{"Authorization": "Bearer t", "Content-Type": "application/json"}
	message := func(version, until string) string {
		return `{"headline":"Ready","version":` + version + `,"validUntil":"` + until + `-01-01T00:00:00Z"}`
	}
	for _, tc := range []struct {
		name, query, body string
		status            int
		want              string
	}{
		{"the first", "", message("5", "2100"), 200, `{"screen":"w","version":5}`},
		{"again", "", message("5", "2100"), 200, `{"screen":"w","version":5}`},
		{"another of the same version", "", message("5", "2101"), 409, `{"screen":"w","version":5,"error":"the screen shows a newer message"}`},
		{"an older one", "", message("4", "2100"), 409, `{"screen":"w","version":5,"error":"the screen shows a newer message"}`},
		{"not valid any more", "", message("6", "2001"), 422, `{"screen":"w","version":5,"error":"the message is not valid any more"}`},
		{"no version", "", `{"headline":"Ready","validUntil":"2100-01-01T00:00:00Z"}`, 422, `{"screen":"w","version":0,"error":"headline, version and validUntil must be given"}`},
		{"a member too many", "", `{"headline":"Ready","colour":"red"}`, 400, `{"screen":"w","version":0,"error":"the body must be a JSON object with headline, text, version (a whole number) and validUntil (RFC 3339), and nothing else"}`},
		{"down", "?sink-status=503", message("7", "2100"), 503, `{"ok":false,"received":0}`},
		{"shown, and lost", "?sink-lost=502", message("8", "2100"), 502, `{"error":"the message is shown, and its answer was lost"}`},
		{"so the next is older", "", message("7", "2100"), 409, `{"screen":"w","version":8,"error":"the screen shows a newer message"}`},
	} {
		resp, body, err := call(t, "PUT", srv.URL+"/p/v1/screens/w"+tc.query, header, tc.body)
		if err != nil || resp.StatusCode != tc.status || !sameJSON(body, tc.want) {
			t.Errorf("%s: got %s (%v), want %d %s", tc.name, body, err, tc.status, tc.want)
		}
	}
	if resp, _, err := call(t, "PUT", srv.URL+"/p/v1/screens/w", nil, message("9", "2100")); err != nil || resp.StatusCode != 401 {
		t.Errorf("without a token: %v", err)
	}
	if resp, _, err := call(t, "GET", srv.URL+"/p/v1/groups/w", header, ""); err != nil || resp.StatusCode != 404 {
		t.Errorf("a group of the screen's name: %v", err)
	}
	if all := box.Since(0); len(all) != 10 || all[9].Screen == nil || all[9].Screen.Version != 5 || all[7].Screen != nil {
		t.Errorf("the inbox holds %d messages: %+v", len(all), all)
	}
}
