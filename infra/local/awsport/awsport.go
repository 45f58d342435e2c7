// Package awsport is the one port on which the embedded runtime serves the AWS
// APIs: it sends each request to the service that it is meant for, as
// AWS_ENDPOINT_URL has the SDKs and the AWS CLI send all of theirs to one place.
//
// A service is told by the prefix of X-Amz-Target, by Lambda's paths, or, for
// STS's GetCallerIdentity, which people try first, by its form. A service that
// is not there gets an error that names it. Requests are not authenticated;
// those whose Host or Origin is not loopback's are refused.
package awsport

import (
	"cmp"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/waypost/waypost/infra/local/awsport/awsjson"
)

// A Port dispatches to its services. A nil service is answered as one that the
// runtime does not serve. The fields are read only.
type Port struct {
	DynamoDB       http.Handler
	StepFunctions  http.Handler
	SecretsManager http.Handler
	SQS            http.Handler
	Lambda         http.Handler
	Account        string // for GetCallerIdentity; "" means 000000000000
}

// maxForm bounds the form of a query-protocol request, in bytes.
const maxForm = 64 << 10

// ServeHTTP refuses a foreign request, and hands any other to its service.
func (p *Port) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if why := Foreign(r); why != "" {
		awsjson.WriteError(w, &awsjson.Error{Status: http.StatusForbidden, Code: "AccessDeniedException", Message: why})
		return
	}
	service := p.service(r)
	switch {
	case service != nil:
		service.ServeHTTP(w, r)
	case r.Header.Get("X-Amz-Target") == "" && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		p.serveQuery(w, r)
	default:
		refuse(w, r)
	}
}

func (p *Port) service(r *http.Request) http.Handler {
	prefix, _, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch prefix {
	case "DynamoDB_20120810":
		return p.DynamoDB
	case "AWSStepFunctions":
		return p.StepFunctions
	case "secretsmanager":
		return p.SecretsManager
	case "AmazonSQS":
		return p.SQS
	case "":
		if strings.HasPrefix(r.URL.Path, "/2015-03-31/functions") {
			return p.Lambda
		}
	}
	return nil
}

// serveQuery answers the older query protocol, of which there is one operation.
func (p *Port) serveQuery(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	form, formErr := url.ParseQuery(string(body))
	if err != nil || formErr != nil || form.Get("Action") != "GetCallerIdentity" {
		what := signedFor(r)
		if action := form.Get("Action"); action != "" {
			what += "'s operation " + action
		}
		writeXML(w, http.StatusBadRequest, queryError{Code: "InvalidAction", Message: "the local runtime does not serve " + what, Type: "Sender"}, "ErrorResponse")
		return
	}
	account := cmp.Or(p.Account, "000000000000")
	w.Header().Set("Content-Type", "text/xml")
	type result struct {
		XMLName   xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ GetCallerIdentityResponse"`
		Arn       string   `xml:"GetCallerIdentityResult>Arn"`
		UserID    string   `xml:"GetCallerIdentityResult>UserId"`
		Account   string   `xml:"GetCallerIdentityResult>Account"`
		RequestID string   `xml:"ResponseMetadata>RequestId"`
	}
	_ = xml.NewEncoder(w).Encode(result{
		Arn: "arn:aws:iam::" + account + ":root", UserID: account, Account: account, RequestID: awsjson.RequestID(),
	})
}

// refuse names the service that is not served, in the shape its client reads.
func refuse(w http.ResponseWriter, r *http.Request) {
	prefix, _, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	service := cmp.Or(prefix, signedFor(r))
	message := fmt.Sprintf("the local runtime does not serve %s (%s %s); it serves DynamoDB, Lambda, Secrets Manager, SQS, Step Functions and STS's GetCallerIdentity",
		service, r.Method, r.URL.Path)
	switch {
	case service == "s3":
		writeXML(w, http.StatusNotImplemented, queryError{Code: "NotImplemented", Message: message}, "Error")
	default:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Amzn-Errortype", "UnknownOperationException")
		w.WriteHeader(http.StatusNotFound)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": "UnknownOperationException", "message": message})
	}
}

// signedFor gives the service that the request was signed for, as the
// credential scope of Signature Version 4 names it (".../us-east-1/s3/aws4_request").
func signedFor(r *http.Request) string {
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	scope, _, _ = strings.Cut(scope, ",")
	if parts := strings.Split(scope, "/"); len(parts) == 5 {
		return parts[3]
	}
	return "an unnamed service"
}

type queryError struct {
	Type    string `xml:",omitempty"`
	Code    string
	Message string
}

// writeXML writes an error under a root element: Error for S3, and for query
// services ErrorResponse with an Error inside.
func writeXML(w http.ResponseWriter, status int, e queryError, root string) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	enc := xml.NewEncoder(w)
	if root == "Error" {
		_ = enc.EncodeElement(e, xml.StartElement{Name: xml.Name{Local: root}})
		return
	}
	_ = enc.EncodeElement(struct {
		Error     queryError
		RequestID string `xml:"RequestId"`
	}{e, awsjson.RequestID()}, xml.StartElement{Name: xml.Name{Local: root}})
}
