// Command entry is the least that a function with entry's AWS clients could
// be: the baseline of the cold start of entry and admin.
package main

import (
	"context"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
)

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		os.Exit(1)
	}
	db, machines := dynamodb.NewFromConfig(cfg), sfn.NewFromConfig(cfg)
	lambda.Start(func(ctx context.Context) error { // it is never invoked
		if _, err := db.GetItem(ctx, &dynamodb.GetItemInput{}); err != nil {
			return err
		}
		_, err := machines.StartExecution(ctx, &sfn.StartExecutionInput{})
		return err
	})
}
