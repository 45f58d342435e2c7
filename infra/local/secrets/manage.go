package secrets

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waypost/waypost/infra/local/awsport/awsjson"
)

type secretID struct{ SecretID string }

// entry is what a secret's description and its place in a list have in common.
func (x *secret) entry() map[string]any {
	stages := map[string][]string{}
	for id, v := range x.versions {
		stages[id] = slices.Clone(v.stages) // the answer is encoded after the lock
	}
	tags := []tag{}
	for _, k := range slices.Sorted(maps.Keys(x.tags)) {
		tags = append(tags, tag{k, x.tags[k]})
	}
	e := map[string]any{
		"ARN": x.arn, "Name": x.name, "CreatedDate": epoch(x.created), "LastChangedDate": epoch(x.changed), "Tags": tags,
	}
	if x.description != "" {
		e["Description"] = x.description
	}
	if x.kmsKey != "" {
		e["KmsKeyId"] = x.kmsKey
	}
	if !x.deleted.IsZero() {
		e["DeletedDate"] = epoch(x.deleted)
	}
	e["SecretVersionsToStages"] = stages
	return e
}

func (s *Store) describe(in *secretID) (any, error) {
	x, err := s.find(in.SecretID, true)
	if err != nil {
		return nil, err
	}
	e := x.entry()
	e["VersionIdsToStages"] = e["SecretVersionsToStages"]
	delete(e, "SecretVersionsToStages")
	return e, nil
}

// list filters by the beginning of a name, and by nothing else.
func (s *Store) list(in *struct {
	MaxResults             int
	NextToken              string
	IncludePlannedDeletion bool
	Filters                []struct {
		Key    string
		Values []string
	}
}) (any, error) {
	names := []string{}
	for name, x := range s.secrets {
		if !x.deleted.IsZero() && !in.IncludePlannedDeletion {
			continue
		}
		match := true
		for _, f := range in.Filters {
			if f.Key != "name" && f.Key != "all" {
				return nil, awsjson.Errorf("InvalidParameterException", "the local runtime filters secrets by name only, not by %q", f.Key)
			}
			match = match && slices.ContainsFunc(f.Values, func(v string) bool { return strings.HasPrefix(name, v) })
		}
		if match {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	start := 0
	if in.NextToken != "" {
		var err error
		if start, err = strconv.Atoi(in.NextToken); err != nil || start < 0 || start > len(names) {
			return nil, awsjson.Errorf("InvalidNextTokenException", "the token is not one that ListSecrets gave")
		}
	}
	end := len(names)
	out := map[string]any{}
	if limit := in.MaxResults; limit > 0 && start+limit < end {
		end = start + limit
		out["NextToken"] = strconv.Itoa(end)
	}
	list := []map[string]any{}
	for _, name := range names[start:end] {
		list = append(list, s.secrets[name].entry())
	}
	out["SecretList"] = list
	return out, nil
}

func (s *Store) listVersions(in *secretID) (any, error) {
	x, err := s.find(in.SecretID, false)
	if err != nil {
		return nil, err
	}
	list := []map[string]any{}
	for _, id := range slices.Sorted(maps.Keys(x.versions)) {
		v := x.versions[id]
		list = append(list, map[string]any{"VersionId": id, "VersionStages": slices.Clone(v.stages), "CreatedDate": epoch(v.created)})
	}
	return map[string]any{"ARN": x.arn, "Name": x.name, "Versions": list}, nil
}

// delete marks a secret, or with force removes it. The one that is marked
// stays until it is restored or deleted by force: no clock removes it here.
func (s *Store) delete(in *struct {
	SecretID                   string
	RecoveryWindowInDays       int
	ForceDeleteWithoutRecovery bool
}) (any, error) {
	days := in.RecoveryWindowInDays
	if days != 0 && (in.ForceDeleteWithoutRecovery || days < 7 || days > 30) {
		return nil, awsjson.Errorf("InvalidParameterException", "RecoveryWindowInDays must be 7 to 30, and can't be given with ForceDeleteWithoutRecovery")
	}
	if days == 0 {
		days = 30
	}
	x, err := s.find(in.SecretID, in.ForceDeleteWithoutRecovery)
	if err != nil {
		return nil, err
	}
	at := s.now()
	if in.ForceDeleteWithoutRecovery {
		delete(s.secrets, x.name)
	} else {
		at = at.Add(time.Duration(days) * 24 * time.Hour)
		x.deleted = at
	}
	return map[string]any{"ARN": x.arn, "Name": x.name, "DeletionDate": epoch(at)}, nil
}

func (s *Store) restore(in *secretID) (any, error) {
	x, err := s.find(in.SecretID, true)
	if err != nil {
		return nil, err
	}
	x.deleted = time.Time{}
	return map[string]any{"ARN": x.arn, "Name": x.name}, nil
}

func (s *Store) tag(in *struct {
	SecretID string
	Tags     []tag
}) (any, error) {
	x, err := s.find(in.SecretID, false)
	if err != nil {
		return nil, err
	}
	for _, t := range in.Tags {
		x.tags[t.Key] = t.Value
	}
	return nil, nil
}

func (s *Store) untag(in *struct {
	SecretID string
	TagKeys  []string
}) (any, error) {
	x, err := s.find(in.SecretID, false)
	if err != nil {
		return nil, err
	}
	for _, k := range in.TagKeys {
		delete(x.tags, k)
	}
	return nil, nil
}
