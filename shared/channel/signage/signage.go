// Package signage is the channel for screens, one or a group of them. The last
// writer wins: each message has a version and a time until which it is valid,
// so that neither a late retry nor a late journey puts an old message over a
// new one. Its contract says how to call, as a webhook's does, and where these are.
//
// An endpoint that has a newer message answers 409 or 412 with that message's
// version; the delivery is then suppressed, as one that is dropped here is.
package signage

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waypost/waypost/shared/action"
	"github.com/waypost/waypost/shared/channel"
	"github.com/waypost/waypost/shared/channel/webhook"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/secret"
)

// Channel encodes and classifies for screens. Its zero value is ready.
type Channel struct{ webhook.Channel }

// Traits describes the channel.
func Traits() channel.Traits {
	return channel.Traits{Channel: "signage", Function: "signage", Callback: webhook.CallbackKind, Guarantee: action.AtLeastOnce, Parts: []string{"display"}, Check: check}
}

// Encode makes the request of a message, with its version and validity, which
// are the same in each attempt. A version that no journey maps is when the delivery was first
// started, in microseconds since 1970.
func (c Channel) Encode(m *action.Message, cred secret.Credential) (*channel.Request, error) {
	d := m.Contract.Display
	turn := &channel.Turn{Target: target(m.BaseURL+m.Contract.Path, m.Filled[d.Screen]), Version: m.Start.UnixMicro(), Until: m.Start.Add(time.Duration(d.ValidFor))}
	if v, mapped := m.Filled[string(d.Version)]; mapped {
		n, whole := action.Whole(v).(int64)
		if !whole || n < 0 {
			return nil, fault.New(fault.Invalid, "%s: the version came out as no whole number from 0 on", d.Version)
		}
		turn.Version = n
	} else {
		m.Put(d.Version, turn.Version)
	}
	if v, mapped := m.Filled[string(d.ValidUntil)]; mapped {
		until, err := time.Parse(time.RFC3339, mapping.Text(v))
		if err != nil {
			return nil, fault.New(fault.Invalid, "%s: the end of the validity came out as no date-time", d.ValidUntil)
		}
		turn.Until = until
	} else {
		m.Put(d.ValidUntil, turn.Until.UTC().Format(time.RFC3339))
	}
	r, err := c.Channel.Encode(m, cred)
	if err != nil {
		return nil, err
	}
	r.Turn = turn
	return r, nil
}

// target names the screens that a message is for, at their endpoint: a URL
// with the path as the contract has it, since a screen and a group may have the same name.
func target(endpoint string, screen any) string {
	names := []string{mapping.Text(screen)}
	if many, ok := screen.([]any); ok {
		names = nil
		for _, name := range many {
			names = append(names, mapping.Text(name))
		}
		slices.Sort(names)
	}
	sum := sha256.Sum256([]byte(endpoint + "\n" + strings.Join(names, "\n")))
	return "screen " + hex.EncodeToString(sum[:16])
}

// Classify judges by the HTTP status, but that a conflict with a newer message
// is none: this one came too late. One with the same message is a repeat.
func (c Channel) Classify(a channel.Answer) channel.Verdict {
	v := c.Channel.Classify(a)
	if a.Code != http.StatusConflict && a.Code != http.StatusPreconditionFailed {
		return v
	}
	switch there, told := versionOf(a.Body); {
	case !told:
	case there > a.Version:
		return channel.Verdict{Result: channel.Superseded, Reason: "stale: the endpoint has a newer version"}
	case there == a.Version:
		return channel.Verdict{Result: channel.Accepted}
	}
	return v
}

// versionOf reads the version of the message that an endpoint has from its
// answer: "version" or "currentVersion", or "version" of its "current".
func versionOf(body []byte) (int64, bool) {
	var answer struct {
		Version        json.RawMessage `json:"version"`
		CurrentVersion json.RawMessage `json:"currentVersion"`
		Current        struct {
			Version json.RawMessage `json:"version"`
		} `json:"current"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return 0, false
	}
	for _, raw := range []json.RawMessage{answer.Version, answer.CurrentVersion, answer.Current.Version} {
		if n, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64); err == nil {
			return n, true
		}
	}
	return 0, false
}
