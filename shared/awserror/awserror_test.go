package awserror_test

import (
	"errors"
	"net/http"
	"testing"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/waypost/waypost/shared/awserror"
)

func TestLoggable(t *testing.T) {
	service := func(code string) error {
		return &smithy.OperationError{ServiceID: "SFN", OperationName: "StartExecution", Err: &awshttp.ResponseError{RequestID: "r-1",
			ResponseError: &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: 400}},
				Err: &smithy.GenericAPIError{Code: code, Message: "it repeats +15550001"}}}}
	}
	for _, tc := range []struct {
		err  error
		want string
	}{
		{service("ValidationException"), "SFN StartExecution: status 400, request r-1, ValidationException"},
		{service("AccessDeniedException"), "SFN StartExecution: status 400, request r-1, AccessDeniedException: it repeats +15550001"},
		{&smithy.GenericAPIError{Code: "InvalidInput", Message: "x"}, "InvalidInput"},
		{errors.New("no connection"), "no connection"},
	} {
		got := awserror.Loggable(tc.err)
		if got.Error() != tc.want {
			t.Errorf("got %s, want %s", got, tc.want)
		}
		if !errors.Is(got, tc.err) {
			t.Errorf("%s does not hold its cause", got)
		}
	}
}
