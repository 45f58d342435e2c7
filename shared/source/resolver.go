package source

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"github.com/waypost/waypost/shared/egress"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/secret"
)

// Definitions are the stored sources, through memory.
type Definitions interface {
	// Cached gives what memory has, which may be nil, and whether it is fresh
	// enough to be used without reading it again.
	Cached(name string) (*Source, bool)
	// Read reads the source. A NotFound means that there is none.
	Read(ctx context.Context, name string) (*Source, error)
}

// Secrets are the credentials, through memory; token.Store is one.
type Secrets interface {
	Get(ctx context.Context, auth secret.Auth) (secret.Credential, error)
	Renew(ctx context.Context, auth secret.Auth, used secret.Credential) (secret.Credential, bool, error)
}

// Endpoints is the hardened HTTP client.
type Endpoints interface {
	Do(ctx context.Context, r *http.Request, o egress.Options) (*egress.Response, error)
}

// A Resolver resolves sources. Its fields must be set; NewResolver makes one
// with an empty memory. It is safe for concurrent use.
type Resolver struct {
	Definitions Definitions
	Secrets     Secrets
	Endpoints   Endpoints
	Now         func() time.Time

	memory *memory
	flight singleflight.Group
}

// NewResolver makes a resolver.
func NewResolver(definitions Definitions, secrets Secrets, endpoints Endpoints, now func() time.Time) *Resolver {
	return &Resolver{Definitions: definitions, Secrets: secrets, Endpoints: endpoints, Now: now, memory: newMemory()}
}

// Inputs are what the requests of sources read.
type Inputs struct {
	Env mapping.Env // all but the profile
	// Profile is asked at most once, and only for sources that need it.
	Profile Profile
	// Until is when the caller goes on, whoever has not answered.
	Until time.Time
}

// Answers are what sources came to. The zero value is those of no source.
type Answers struct {
	// Data holds an answer by source, for mapping.Env. One that failed is not there.
	Data map[string]any
	// Failed says why, by source. It holds nothing that was sent or answered.
	Failed map[string]string
}

// Merge gives the answers of both.
func (a Answers) Merge(b Answers) Answers {
	if a.Data == nil {
		return b
	}
	merged := Answers{maps.Clone(a.Data), maps.Clone(a.Failed)}
	maps.Copy(merged.Data, b.Data)
	if merged.Failed == nil {
		merged.Failed = b.Failed
	} else {
		maps.Copy(merged.Failed, b.Failed)
	}
	return merged
}

// Has says whether a source has answered, or failed.
func (a Answers) Has(name string) bool {
	_, answered := a.Data[name]
	_, failed := a.Failed[name]
	return answered || failed
}

// Why says of each source that failed that it is nil, and why; "" where none did.
func (a Answers) Why() string {
	var said []string
	for _, name := range slices.Sorted(maps.Keys(a.Failed)) {
		said = append(said, fmt.Sprintf("data.%s is nil: %s", name, a.Failed[name]))
	}
	return strings.Join(said, "; ")
}

// Paths lists the profile attributes that the requests of sources read, as far
// as memory knows: who reads the profile beside them can ask for these too.
func (r *Resolver) Paths(names []string) mapping.Paths {
	var paths mapping.Paths
	for _, name := range names {
		if s, _ := r.Definitions.Cached(name); s != nil {
			paths = paths.Merge(s.reads.Profile)
		}
	}
	return paths
}

// Resolve answers sources, all at once: from memory, or by a call. One that
// reads the profile is called when that is read. A source that fails is among
// Failed; an error means that a definition or the profile could not be read.
//
// A definition that memory does not vouch for is read before anything is sent:
// what is stale may name a host that must get nothing any more.
func (r *Resolver) Resolve(ctx context.Context, names []string, in Inputs) (Answers, error) {
	sources, err := r.definitions(ctx, names)
	if err != nil {
		return Answers{}, err
	}
	var paths mapping.Paths
	for _, s := range sources {
		if s != nil {
			paths = paths.Merge(s.reads.Profile)
		}
	}
	profile := Once(func() (map[string]any, error) { return in.Profile(ctx, paths) })

	values, failed := make([]any, len(names)), make([]error, len(names))
	trip, ctx := errgroup.WithContext(ctx)
	for i, s := range sources {
		if s == nil {
			failed[i] = fault.New(fault.NotFound, "there is no source %s", names[i])
			continue
		}
		trip.Go(func() (err error) {
			env := in.Env
			if !s.reads.Profile.Empty() {
				if env.Profile, err = profile(); err != nil {
					return err
				}
			}
			values[i], failed[i] = r.answer(ctx, s, env, in.Until)
			return nil
		})
	}
	if err := trip.Wait(); err != nil {
		return Answers{}, err
	}
	a := Answers{Data: make(map[string]any, len(names))}
	for i, name := range names {
		if failed[i] == nil {
			a.Data[name] = values[i]
			continue
		}
		if a.Failed == nil {
			a.Failed = map[string]string{}
		}
		a.Failed[name] = fault.Line(failed[i])
	}
	return a, nil
}

// definitions gives the sources of these names, nil for one that does not exist.
func (r *Resolver) definitions(ctx context.Context, names []string) ([]*Source, error) {
	sources := make([]*Source, len(names))
	var trip errgroup.Group
	for i, name := range names {
		known, fresh := r.Definitions.Cached(name)
		if fresh {
			sources[i] = known
			continue
		}
		trip.Go(func() error {
			s, err := r.Definitions.Read(ctx, name)
			if err != nil && !fault.Is(err, fault.NotFound) {
				return err
			}
			sources[i] = s
			return nil
		})
	}
	return sources, trip.Wait()
}
