package kafkaauth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/segmentio/kafka-go/sasl"
)

// NewAWS returns a source of tokens for Amazon MSK with IAM: each is a request that is signed and never sent, and that
// brokers verify by asking AWS. An empty region is taken from the broker's name. Where credentials come from depends on the
// variables that environ (such as [os.Getenv]) returns: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (AWS_SESSION_TOKEN); AWS_ROLE_ARN and
// AWS_WEB_IDENTITY_TOKEN_FILE; AWS_CONTAINER_CREDENTIALS_FULL_URI or _RELATIVE_URI; else the instance's role.
// Profiles of ~/.aws are not read.
//
// The token's form is that of aws-msk-iam-sasl-signer-go, which would bring the whole chain of profiles and single sign-on: 97
// packages and 3 MB more than this.
func NewAWS(region string, environ func(string) string) TokenSource {
	return &awsTokens{region: region, environ: environ, credentials: map[string]aws.CredentialsProvider{}, turn: make(chan struct{}, 1)}
}

type awsTokens struct {
	region      string
	environ     func(string) string
	turn        chan struct{} // a semaphore: whoever has put an element in may use credentials
	credentials map[string]aws.CredentialsProvider
}

// signedFor is how long a token may be used.
const signedFor = 15 * time.Minute

// noBody is the SHA-256 of an empty body.
const noBody = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// Token implements [TokenSource]. The context names the broker: see [sasl.MetadataFromContext].
func (t *awsTokens) Token(ctx context.Context) (Token, error) {
	region := t.region
	if region == "" {
		var err error
		if region, err = regionOf(ctx); err != nil {
			return Token{}, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	provider, err := t.provider(ctx, region)
	if err != nil {
		return Token{}, err
	}
	credentials, err := provider.Retrieve(ctx)
	if err != nil {
		return Token{}, &Problem{What: "AWS gives no credentials (" + awsReason(err) + ")", Remedy: "look at the role of this process (docs/brokers.md names where credentials are looked for)", Err: err}
	}
	return signed(ctx, region, credentials, time.Now())
}

// provider returns the credentials of a region, which are kept until shortly before they expire.
func (t *awsTokens) provider(ctx context.Context, region string) (aws.CredentialsProvider, error) {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if known := t.credentials[region]; known != nil {
		return known, nil
	}
	source, err := awsSource(region, t.environ)
	if err != nil {
		return nil, err
	}
	cached := aws.NewCredentialsCache(source, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = 5 * time.Minute })
	t.credentials[region] = cached
	return cached, nil
}

// signed returns the token: the address of a presigned request for the right to connect.
func signed(ctx context.Context, region string, credentials aws.Credentials, now time.Time) (Token, error) {
	query := url.Values{"Action": {"kafka-cluster:Connect"}, "X-Amz-Expires": {fmt.Sprintf("%.0f", signedFor.Seconds())}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://kafka."+region+".amazonaws.com/?"+query.Encode(), http.NoBody)
	if err != nil {
		return Token{}, errors.New("the region of AWS does not fit into an address")
	}
	address, _, err := v4.NewSigner().PresignHTTP(ctx, credentials, request, noBody, "kafka-cluster", region, now.UTC())
	if err != nil {
		return Token{}, errors.New("sign the token for MSK: the credentials of AWS cannot be used")
	}
	// The user agent is not signed; MSK writes it into its log.
	token := Token{Value: base64.RawURLEncoding.EncodeToString([]byte(address + "&User-Agent=" + clientID)), Expires: now.Add(signedFor)}
	if credentials.CanExpire && credentials.Expires.Before(token.Expires) {
		token.Expires = credentials.Expires
	}
	return token, nil
}

// brokerRegion finds the region in the name of a broker of MSK, such as b-1.leads.abc123.c2.kafka.eu-central-1.amazonaws.com.
var brokerRegion = regexp.MustCompile(`\.kafka(?:-serverless)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\.?$`)

func regionOf(ctx context.Context) (string, error) {
	if at := sasl.MetadataFromContext(ctx); at != nil {
		if found := brokerRegion.FindStringSubmatch(at.Host); found != nil {
			return found[1], nil
		}
	}
	return "", &Problem{What: "the broker's name does not name a region of AWS", Remedy: "set KAFKA_AWS_REGION"}
}
