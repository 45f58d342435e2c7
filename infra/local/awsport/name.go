package awsport

import (
	"encoding/json"
	"net/http"
	"strings"
)

// NameOf names what a request asks for, as a log or a measurement shows it: its
// operation, and for DynamoDB the table: "GetSecretValue", "UpdateItem waypost-ledger".
// body is the request's.
func NameOf(r *http.Request, body []byte) string {
	_, name, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	var in struct{ TableName string }
	if json.Unmarshal(body, &in) == nil && in.TableName != "" {
		name += " " + in.TableName
	}
	return name
}
