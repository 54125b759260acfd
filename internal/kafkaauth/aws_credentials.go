package kafkaauth

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// ecsHost is where containers of ECS ask for credentials.
const ecsHost = "http://169.254.170.2"

// awsSource returns where credentials come from, in the order of AWS's own libraries.
func awsSource(region string, environ func(string) string) (aws.CredentialsProvider, error) {
	if key, secret := environ("AWS_ACCESS_KEY_ID"), environ("AWS_SECRET_ACCESS_KEY"); key != "" && secret != "" {
		return credentials.NewStaticCredentialsProvider(key, secret, environ("AWS_SESSION_TOKEN")), nil
	}
	if role, file := environ("AWS_ROLE_ARN"), environ("AWS_WEB_IDENTITY_TOKEN_FILE"); role != "" && file != "" {
		return stscreds.NewWebIdentityRoleProvider(sts.New(sts.Options{Region: region, Credentials: aws.AnonymousCredentials{}}), role, stscreds.IdentityTokenFile(file),
			func(o *stscreds.WebIdentityRoleOptions) { o.RoleSessionName = environ("AWS_ROLE_SESSION_NAME") }), nil
	}
	if path := environ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); path != "" {
		return containerSource(ecsHost+path, environ), nil
	}
	if address := environ("AWS_CONTAINER_CREDENTIALS_FULL_URI"); address != "" {
		if !nearby(address) {
			return nil, &Problem{What: "AWS_CONTAINER_CREDENTIALS_FULL_URI names neither https nor an address of this machine or its container service", Remedy: "look at who sets it"}
		}
		return containerSource(address, environ), nil
	}
	return ec2rolecreds.New(), nil
}

// containerSource returns credentials of the container service, such as that of ECS or of EKS Pod Identity.
func containerSource(address string, environ func(string) string) aws.CredentialsProvider {
	return endpointcreds.New(address, func(o *endpointcreds.Options) {
		o.AuthorizationToken = environ("AWS_CONTAINER_AUTHORIZATION_TOKEN")
		if file := environ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); file != "" {
			o.AuthorizationTokenProvider = endpointcreds.TokenProviderFunc(func() (string, error) {
				content, err := os.ReadFile(file)
				return strings.TrimSpace(string(content)), err
			})
		}
	})
}

// nearby reports whether credentials may be asked for at an address: by https anywhere, in plain text only on this machine
// and at the addresses of ECS and EKS.
func nearby(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	if u.Scheme == "https" {
		return true
	}
	switch host := u.Hostname(); host {
	case "localhost", "169.254.170.2", "169.254.170.23", "fd00:ec2::23":
		return true
	default:
		return net.ParseIP(host).IsLoopback()
	}
}

// awsReason returns why AWS gave no credentials, in few words and without addresses or parts of answers.
func awsReason(err error) string {
	if refused, ok := errors.AsType[smithy.APIError](err); ok {
		return plainly(refused.ErrorCode())
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer within " + fetchTime.String()
	}
	return "no source answers"
}
