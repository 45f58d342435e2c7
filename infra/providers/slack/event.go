package slack

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/waypost/waypost/infra/providers/callbacks"
	signing "github.com/waypost/waypost/shared/channel/slack"
)

// SigningSecret signs the stand-in's events, for examples.
const SigningSecret = "not-a-real-secret-for-the-local-slack"

// SetRequestURL says where the app wants its events, as its owner does on
// Slack's page of the app. As there, the URL must first prove that it is the
// app's, by answering a challenge; its error says why it did not. An app that
// names none gets no events.
func (s *Server) SetRequestURL(ctx context.Context, url string) error {
	challenge := rand.Text()
	body, _ := json.Marshal(map[string]any{"token": "not-a-real-token", "type": "url_verification", "challenge": challenge}) // text always can be
	r, err := s.event(ctx, url, body)
	if err != nil {
		return err
	}
	res, err := s.opts.Callbacks.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return err
	}
	if got := string(answer); res.StatusCode != http.StatusOK || got != challenge {
		return fmt.Errorf("%s did not answer the challenge of url_verification: it answered %d and %q", url, res.StatusCode, got)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requestURL = url
	return nil
}

// maxAnswer is how much of an answer to a challenge is read, in bytes.
const maxAnswer = 4 << 10

// event makes a signed request to the app's request URL.
func (s *Server) event(ctx context.Context, url string, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	timestamp := strconv.FormatInt(s.opts.Now().Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
	r.Header.Set(signing.HeaderTimestamp, timestamp)
	r.Header.Set(signing.HeaderSignature, signing.Signature(s.opts.SigningSecret, timestamp, body))
	return r, nil
}

// notify sends message_metadata_posted for a message, where its metadata is of
// the type that the app's manifest subscribes to: Waypost's.
func (s *Server) notify(m *message) {
	var metadata struct {
		EventType string `json:"event_type"`
	}
	s.mu.Lock()
	url := s.requestURL
	s.mu.Unlock()
	if url == "" || json.Unmarshal(m.args.Metadata, &metadata) != nil || metadata.EventType != signing.EventType {
		return
	}
	body, _ := json.Marshal(map[string]any{ // text, numbers and JSON always can be
		"token": "not-a-real-token", "team_id": team, "api_app_id": app, "type": "event_callback", "event_id": "Ev" + rand.Text()[:9],
		"event_time": s.opts.Now().Unix(), "authorizations": []any{map[string]any{"team_id": team, "user_id": user, "is_bot": true, "is_enterprise_install": false}},
		"event": map[string]any{"type": "message_metadata_posted", "app_id": app, "bot_id": bot, "user_id": user, "team_id": team,
			"channel_id": m.to.ID, "metadata": m.args.Metadata, "message_ts": m.ts, "event_ts": m.ts},
	})
	s.opts.Callbacks.Send(callbacks.Soon, callbacks.Callback{
		Make: func(ctx context.Context, last callbacks.Attempt) *http.Request {
			r, err := s.event(ctx, url, body)
			if err != nil {
				return nil
			}
			if last.Count > 0 {
				r.Header.Set("X-Slack-Retry-Num", strconv.Itoa(last.Count))
				r.Header.Set("X-Slack-Retry-Reason", reason(last))
			}
			return r
		},
		// https://docs.slack.dev/apis/events-api: thrice, at once and after 1 and 5 minutes.
		Again: func(last callbacks.Attempt) (time.Duration, bool) {
			waits := []time.Duration{0, time.Minute, 5 * time.Minute}
			if last.Count > len(waits) {
				return 0, false
			}
			return waits[last.Count-1], true
		},
	})
}

func reason(last callbacks.Attempt) string {
	if last.Status == 0 {
		return "connection_failed"
	}
	return "http_error"
}
