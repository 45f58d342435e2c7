// Command callback is the least that a function with callback's AWS clients
// could be: the baseline of its cold start.
package main

import (
	"context"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
)

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		os.Exit(1)
	}
	db, secrets, machines := dynamodb.NewFromConfig(cfg), secretsmanager.NewFromConfig(cfg), sfn.NewFromConfig(cfg)
	lambda.Start(func(ctx context.Context) error { // it is never invoked
		if _, err := db.GetItem(ctx, &dynamodb.GetItemInput{}); err != nil {
			return err
		}
		if _, err := secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{}); err != nil {
			return err
		}
		_, err := machines.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{})
		return err
	})
}
