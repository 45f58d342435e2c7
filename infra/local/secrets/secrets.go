// Package secrets is the embedded runtime's Secrets Manager: secrets in
// memory, with versions and their staging labels, served in AWS's JSON
// protocol to the AWS SDKs and CLI.
//
// Not promised: encryption, rotation, resource policies, replication, and
// versions that no label names, which are dropped at once (AWS keeps some for
// a while). A value is given to nobody but GetSecretValue's caller: no log, no
// error and no other answer holds one.
package secrets

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/waypost/waypost/infra/local/awsport/awsjson"
)

// The staging labels that Secrets Manager moves by itself.
const (
	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
)

// maxValue is a secret value's limit in bytes.
const maxValue = 65536

// A Store holds secrets and serves them. Make one with New. It is safe for
// concurrent use.
type Store struct {
	account, region string
	now             func() time.Time
	json            *awsjson.Service

	mu      sync.Mutex
	secrets map[string]*secret // by name
}

type secret struct {
	name, arn, description string
	created, changed       time.Time
	deleted                time.Time // zero unless marked for deletion
	tags                   map[string]string
	versions               map[string]*version // by id
	kmsKey                 string
}

type version struct {
	text    *string
	binary  []byte
	created time.Time
	stages  []string
}

// Options are a Store's settings; the zero value is useful.
type Options struct {
	Account, Region string           // in ARNs; "" means 000000000000 and us-east-1
	Now             func() time.Time // nil means time.Now
	Log             *slog.Logger     // nil discards
}

// New makes an empty Store.
func New(o Options) *Store {
	s := &Store{
		account: cmp.Or(o.Account, "000000000000"), region: cmp.Or(o.Region, "us-east-1"),
		now: o.Now, secrets: map[string]*secret{},
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.json = &awsjson.Service{Version: "1.1", Log: o.Log, Operations: map[string]awsjson.Operation{
		"CreateSecret":         op(s, s.create),
		"GetSecretValue":       op(s, s.get),
		"PutSecretValue":       op(s, s.put),
		"UpdateSecret":         op(s, s.update),
		"DescribeSecret":       op(s, s.describe),
		"ListSecrets":          op(s, s.list),
		"ListSecretVersionIds": op(s, s.listVersions),
		"DeleteSecret":         op(s, s.delete),
		"RestoreSecret":        op(s, s.restore),
		"TagResource":          op(s, s.tag),
		"UntagResource":        op(s, s.untag),
	}}
	return s
}

// ServeHTTP answers one request of Secrets Manager's API 2017-10-17.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.json.ServeHTTP(w, r) }

// op makes an operation of a function that expects the lock.
func op[In any](s *Store, f func(*In) (any, error)) awsjson.Operation {
	return awsjson.Op(func(_ context.Context, in *In) (any, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return f(in)
	})
}

type tag struct{ Key, Value string }

// A payload is the part of a request that brings a new value.
type payload struct {
	ClientRequestToken string
	SecretString       *string
	SecretBinary       []byte
	VersionStages      []string
}

func (p payload) empty() bool { return p.SecretString == nil && p.SecretBinary == nil }

func (p payload) check() error {
	if p.SecretString != nil && p.SecretBinary != nil {
		return awsjson.Errorf("InvalidParameterException", "You can't specify both a binary secret value and a string secret value in the same secret.")
	}
	if len(p.SecretBinary) > maxValue || p.SecretString != nil && len(*p.SecretString) > maxValue {
		return awsjson.Errorf("ValidationException", "the secret value is longer than %d bytes", maxValue)
	}
	return nil
}

func (p payload) same(v *version) bool {
	return bytes.Equal(p.SecretBinary, v.binary) && (p.SecretString == nil) == (v.text == nil) &&
		(v.text == nil || *p.SecretString == *v.text)
}

var validName = regexp.MustCompile(`^[A-Za-z0-9/_+=.@-]{1,512}$`)

func (s *Store) create(in *struct {
	payload
	Name, Description, KmsKeyID string
	Tags                        []tag
}) (any, error) {
	if !validName.MatchString(in.Name) {
		return nil, awsjson.Errorf("ValidationException", "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	if old, ok := s.secrets[in.Name]; ok {
		if !old.deleted.IsZero() {
			return nil, awsjson.Errorf("InvalidRequestException", "You can't create this secret because a secret with this name is already scheduled for deletion.")
		}
		v := old.versions[in.ClientRequestToken]
		if v == nil || !in.same(v) { // a repeat of the request that made it is no error
			return nil, awsjson.Errorf("ResourceExistsException", "The operation failed because the secret %s already exists.", in.Name)
		}
		return map[string]any{"ARN": old.arn, "Name": old.name, "VersionId": in.ClientRequestToken}, nil
	}
	x := &secret{
		name: in.Name, description: in.Description, kmsKey: in.KmsKeyID, created: s.now(), changed: s.now(),
		arn:  fmt.Sprintf("arn:aws:secretsmanager:%s:%s:secret:%s-%s", s.region, s.account, in.Name, rand.Text()[:6]),
		tags: map[string]string{}, versions: map[string]*version{},
	}
	for _, t := range in.Tags {
		x.tags[t.Key] = t.Value
	}
	s.secrets[in.Name] = x
	out := map[string]any{"ARN": x.arn, "Name": x.name}
	if !in.empty() {
		in.VersionStages = nil
		id, err := s.add(x, in.payload)
		if err != nil {
			return nil, err
		}
		out["VersionId"] = id
	}
	return out, nil
}

// add gives a secret a new version and moves the labels to it. A repeat of a
// request whose version is there changes nothing.
func (s *Store) add(x *secret, p payload) (string, error) {
	if err := p.check(); err != nil {
		return "", err
	}
	id := cmp.Or(p.ClientRequestToken, awsjson.RequestID())
	if v, ok := x.versions[id]; ok {
		if !p.same(v) {
			return "", awsjson.Errorf("ResourceExistsException", "You can't use ClientRequestToken %s because that value is already in use for a version of secret %s.", id, x.arn)
		}
		return id, nil
	}
	stages := p.VersionStages
	if len(stages) == 0 {
		stages = []string{current}
	}
	was := x.staged(current)
	for _, label := range stages {
		x.unstage(label)
	}
	if was != nil && slices.Contains(stages, current) {
		x.unstage(previous)
		was.stages = append(was.stages, previous)
	}
	x.versions[id] = &version{text: p.SecretString, binary: p.SecretBinary, created: s.now(), stages: slices.Clone(stages)}
	x.changed = s.now()
	maps.DeleteFunc(x.versions, func(_ string, v *version) bool { return len(v.stages) == 0 })
	return id, nil
}

func (x *secret) staged(label string) *version {
	for _, v := range x.versions {
		if slices.Contains(v.stages, label) {
			return v
		}
	}
	return nil
}

func (x *secret) unstage(label string) {
	for _, v := range x.versions {
		v.stages = slices.DeleteFunc(v.stages, func(s string) bool { return s == label })
	}
}

// find gives a secret by its name, its ARN, or its ARN without the random end.
func (s *Store) find(id string, evenDeleted bool) (*secret, error) {
	x := s.secrets[id]
	for _, candidate := range s.secrets {
		if id == candidate.arn || id == candidate.arn[:strings.LastIndex(candidate.arn, "-")] {
			x = candidate
		}
	}
	switch {
	case x == nil:
		return nil, awsjson.Errorf("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	case !x.deleted.IsZero() && !evenDeleted:
		return nil, awsjson.Errorf("InvalidRequestException", "You can't perform this operation on the secret because it was marked for deletion.")
	}
	return x, nil
}

func (s *Store) get(in *struct{ SecretID, VersionID, VersionStage string }) (any, error) {
	x, err := s.find(in.SecretID, false)
	if err != nil {
		return nil, err
	}
	label := in.VersionStage
	if label == "" && in.VersionID == "" {
		label = current
	}
	for id, v := range x.versions {
		if in.VersionID != "" && id != in.VersionID || label != "" && !slices.Contains(v.stages, label) {
			continue
		}
		out := map[string]any{"ARN": x.arn, "Name": x.name, "VersionId": id, "VersionStages": slices.Clone(v.stages), "CreatedDate": epoch(v.created)}
		if v.text != nil {
			out["SecretString"] = *v.text
		} else {
			out["SecretBinary"] = v.binary
		}
		return out, nil
	}
	if in.VersionID != "" {
		return nil, awsjson.Errorf("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for VersionId: %s", in.VersionID)
	}
	return nil, awsjson.Errorf("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: %s", label)
}

func (s *Store) put(in *struct {
	payload
	SecretID string
}) (any, error) {
	x, err := s.find(in.SecretID, false)
	if err != nil {
		return nil, err
	}
	if in.empty() {
		return nil, awsjson.Errorf("InvalidRequestException", "You must provide either SecretString or SecretBinary.")
	}
	id, err := s.add(x, in.payload)
	if err != nil {
		return nil, err
	}
	return map[string]any{"ARN": x.arn, "Name": x.name, "VersionId": id, "VersionStages": slices.Clone(x.versions[id].stages)}, nil
}

func (s *Store) update(in *struct {
	payload
	SecretID              string
	Description, KmsKeyID *string
}) (any, error) {
	x, err := s.find(in.SecretID, false)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"ARN": x.arn, "Name": x.name}
	if !in.empty() {
		in.VersionStages = nil
		id, err := s.add(x, in.payload)
		if err != nil {
			return nil, err
		}
		out["VersionId"] = id
	}
	if in.Description != nil {
		x.description = *in.Description
	}
	if in.KmsKeyID != nil {
		x.kmsKey = *in.KmsKeyID
	}
	x.changed = s.now()
	return out, nil
}

// epoch is a time in the JSON protocols: seconds, with a fraction.
func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
