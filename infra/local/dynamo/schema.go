package dynamo

import (
	"fmt"
	"regexp"
	"sort"

	"github.com/waypost/waypost/infra/local/awsport/awsjson"
)

type attributeDefinition struct{ AttributeName, AttributeType string }

type keyElement struct{ AttributeName, KeyType string }

type projection struct {
	ProjectionType   string
	NonKeyAttributes []string `json:",omitempty"`
}

type indexSpec struct {
	IndexName  string
	KeySchema  []keyElement
	Projection projection
}

// tableSpec is what CreateTable says of a table, as far as it matters here.
type tableSpec struct {
	TableName              string
	AttributeDefinitions   []attributeDefinition
	KeySchema              []keyElement
	BillingMode            string
	GlobalSecondaryIndexes []indexSpec
	LocalSecondaryIndexes  []indexSpec
}

type timeToLive struct {
	Enabled       bool
	AttributeName string
}

type tableName struct{ TableName string }

// validName is what tables and indexes may be called.
var validName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)

func (s *Server) createTable(in *tableSpec) (any, error) {
	if !validName.MatchString(in.TableName) {
		return nil, invalid("TableName must be 3 to 255 of the characters a-z, A-Z, 0-9, '_', '-' and '.'")
	}
	if _, ok := s.tables[in.TableName]; ok {
		return nil, awsjson.Errorf("ResourceInUseException", "Table already exists: %s", in.TableName)
	}
	primary, err := in.index(in.KeySchema)
	if err != nil {
		return nil, err
	}
	t := &table{
		name: in.TableName, arn: fmt.Sprintf("arn:aws:dynamodb:%s:%s:table/%s", s.region, s.account, in.TableName),
		created: s.now(), spec: *in, items: map[string]item{}, primary: primary, secondary: map[string]*index{},
	}
	for _, spec := range in.GlobalSecondaryIndexes {
		if err := t.addIndex(spec, false); err != nil {
			return nil, err
		}
	}
	for _, spec := range in.LocalSecondaryIndexes {
		if err := t.addIndex(spec, true); err != nil {
			return nil, err
		}
	}
	s.tables[t.name] = t
	return map[string]any{"TableDescription": t.describe()}, nil
}

// index makes an index of a key schema, whose attributes must be defined.
func (spec *tableSpec) index(schema []keyElement) (*index, error) {
	kinds := map[string]string{}
	for _, d := range spec.AttributeDefinitions {
		kinds[d.AttributeName] = d.AttributeType
	}
	var hash, rng keyAttribute
	for _, e := range schema {
		k := keyAttribute{e.AttributeName, kinds[e.AttributeName]}
		switch {
		case k.kind != "S" && k.kind != "N" && k.kind != "B":
			return nil, invalid("One or more parameter values were invalid: the key attribute %q is not in AttributeDefinitions with one of the types S, N and B", k.name)
		case e.KeyType == "HASH" && hash.name == "":
			hash = k
		case e.KeyType == "RANGE" && rng.name == "":
			rng = k
		default:
			return nil, invalid("Invalid KeySchema: one HASH key, and at most one RANGE key, can be given")
		}
	}
	if hash.name == "" {
		return nil, invalid("Invalid KeySchema: there is no HASH key")
	}
	return newIndex(hash, rng), nil
}

// addIndex adds a secondary index, filled with the items that the table has.
func (t *table) addIndex(spec indexSpec, local bool) error {
	if !validName.MatchString(spec.IndexName) {
		return invalid("IndexName must be 3 to 255 of the characters a-z, A-Z, 0-9, '_', '-' and '.'")
	}
	x, err := t.spec.index(spec.KeySchema)
	if err != nil {
		return err
	}
	if _, ok := t.secondary[spec.IndexName]; ok || spec.IndexName == "" {
		return invalid("One or more parameter values were invalid: Duplicate index name: %q", spec.IndexName)
	}
	switch spec.Projection.ProjectionType {
	case "ALL", "KEYS_ONLY", "INCLUDE":
	default:
		return invalid("One or more parameter values were invalid: the index %s has an unknown ProjectionType %q", spec.IndexName, spec.Projection.ProjectionType)
	}
	x.name, x.local, x.projection = spec.IndexName, local, spec.Projection
	for id, it := range t.items {
		x.add(id, it)
	}
	t.secondary[x.name] = x
	return nil
}

type indexUpdate struct {
	Create *indexSpec
	Delete *struct{ IndexName string }
}

func (s *Server) updateTable(in *struct {
	TableName                   string
	AttributeDefinitions        []attributeDefinition
	BillingMode                 string
	GlobalSecondaryIndexUpdates []indexUpdate
}) (any, error) {
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	if in.BillingMode != "" {
		t.spec.BillingMode = in.BillingMode
	}
	defined := map[string]bool{}
	for _, d := range t.spec.AttributeDefinitions {
		defined[d.AttributeName] = true
	}
	for _, d := range in.AttributeDefinitions {
		if !defined[d.AttributeName] {
			t.spec.AttributeDefinitions = append(t.spec.AttributeDefinitions, d)
		}
	}
	for _, u := range in.GlobalSecondaryIndexUpdates {
		if u.Create != nil {
			if err := t.addIndex(*u.Create, false); err != nil {
				return nil, err
			}
		}
		if u.Delete != nil {
			if _, ok := t.secondary[u.Delete.IndexName]; !ok {
				return nil, awsjson.Errorf("ResourceNotFoundException", "Requested resource not found: the index %s", u.Delete.IndexName)
			}
			delete(t.secondary, u.Delete.IndexName)
		}
	}
	return map[string]any{"TableDescription": t.describe()}, nil
}

func (s *Server) deleteTable(in *tableName) (any, error) {
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	delete(s.tables, t.name)
	d := t.describe()
	d["TableStatus"] = "DELETING"
	return map[string]any{"TableDescription": d}, nil
}

func (s *Server) describeTable(in *tableName) (any, error) {
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	return map[string]any{"Table": t.describe()}, nil
}

func (s *Server) listTables(in *struct {
	ExclusiveStartTableName string
	Limit                   int
}) (any, error) {
	names := []string{}
	for name := range s.tables {
		if name > in.ExclusiveStartTableName {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	limit := in.Limit
	if limit <= 0 || limit > 100 {
		limit = 100
	}
	out := map[string]any{}
	if len(names) > limit {
		names = names[:limit]
		out["LastEvaluatedTableName"] = names[limit-1]
	}
	out["TableNames"] = names
	return out, nil
}

func (s *Server) updateTimeToLive(in *struct {
	TableName               string
	TimeToLiveSpecification timeToLive
}) (any, error) {
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	if in.TimeToLiveSpecification.AttributeName == "" {
		return nil, invalid("TimeToLiveSpecification must name an attribute")
	}
	t.ttl = in.TimeToLiveSpecification
	return map[string]any{"TimeToLiveSpecification": t.ttl}, nil
}

func (s *Server) describeTimeToLive(in *tableName) (any, error) {
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	d := map[string]any{"TimeToLiveStatus": "DISABLED"}
	if t.ttl.Enabled {
		d = map[string]any{"TimeToLiveStatus": "ENABLED", "AttributeName": t.ttl.AttributeName}
	}
	return map[string]any{"TimeToLiveDescription": d}, nil
}

// describe is the table's TableDescription.
func (t *table) describe() map[string]any {
	throughput := map[string]any{"NumberOfDecreasesToday": 0, "ReadCapacityUnits": 0, "WriteCapacityUnits": 0}
	size := 0
	for _, it := range t.items {
		size += it.size()
	}
	d := map[string]any{
		"TableName": t.name, "TableArn": t.arn, "TableStatus": "ACTIVE",
		"CreationDateTime":     float64(t.created.UnixMilli()) / 1000,
		"AttributeDefinitions": t.spec.AttributeDefinitions, "KeySchema": t.spec.KeySchema,
		"ItemCount": len(t.items), "TableSizeBytes": size, "ProvisionedThroughput": throughput,
	}
	if t.spec.BillingMode == "PAY_PER_REQUEST" {
		d["BillingModeSummary"] = map[string]any{"BillingMode": t.spec.BillingMode}
	}
	names := make([]string, 0, len(t.secondary))
	for name := range t.secondary {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		x := t.secondary[name]
		schema := []keyElement{{x.hash.name, "HASH"}}
		if x.rng.name != "" {
			schema = append(schema, keyElement{x.rng.name, "RANGE"})
		}
		of, list := "GlobalSecondaryIndexes", map[string]any{
			"IndexName": name, "IndexArn": t.arn + "/index/" + name, "KeySchema": schema, "Projection": x.projection,
			"ItemCount": x.count, "IndexSizeBytes": 0, "ProvisionedThroughput": throughput,
		}
		if x.local {
			of = "LocalSecondaryIndexes"
		} else {
			list["IndexStatus"] = "ACTIVE"
		}
		all, _ := d[of].([]map[string]any)
		d[of] = append(all, list)
	}
	return d
}
