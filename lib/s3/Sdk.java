package lib.s3;

import java.io.IOException;
import java.net.URI;
import java.time.DateTimeException;
import java.util.Optional;
import lib.http.Network;
import lib.http.Refusal;
import lib.http.Retry;
import lib.http.Tuning;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.http.apache5.ProxyConfiguration;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.LegacyMd5Plugin;
import software.amazon.awssdk.services.s3.S3Client;

/**
 * The SDK's client for the requests there are few of: it knows the S3 API's documents and oddities,
 * such as an error in an answer of 200. Started with the first of them; retries are ours. Safe for threads.
 */
public final class Sdk implements AutoCloseable {

    /** May be called again. */
    public interface Request<T> {
        T send(S3Client client);
    }

    private final URI endpoint;
    private final String region;
    private final AwsCredentialsProvider credentials;
    private final Tuning tuning;
    private final Pace pace;
    private final Network network;
    private S3Client client;

    /** {@code pace} says how many requests there may be at once. */
    public Sdk(URI endpoint, String region, AwsCredentialsProvider credentials, Tuning tuning, Pace pace, Network network) {
        this.endpoint = endpoint;
        this.region = region;
        this.credentials = credentials;
        this.tuning = tuning;
        this.pace = pace;
        this.network = network;
    }

    /** Sends a request until it is answered with success. Throws Refusal when the store says no. */
    public <T> T ask(Request<T> request) throws IOException {
        return Retry.run(tuning, () -> {
            pace.begin();
            try {
                return request.send(client());
            } catch (AwsServiceException e) {
                String code = e.awsErrorDetails() == null ? "" : e.awsErrorDetails().errorCode();
                String message = e.awsErrorDetails() == null ? "" : e.awsErrorDetails().errorMessage();
                Refusal refusal = new Refusal(e.statusCode(), code == null ? "" : code, message == null ? "" : message,
                        e.awsErrorDetails() == null || e.awsErrorDetails().sdkHttpResponse() == null ? Optional.empty()
                                : e.awsErrorDetails().sdkHttpResponse().firstMatchingHeader("Retry-After"));
                refusal.initCause(e);
                throw refusal;
            } catch (SdkClientException e) {
                if (e.getCause() instanceof Refusal refusal) {
                    throw refusal;
                }
                // An answer that was cut off cannot be parsed: that is a lost connection, too.
                if (e.getCause() instanceof IOException || String.valueOf(e.getMessage()).contains("parse")) {
                    throw new IOException(e.getMessage(), e);
                }
                throw e;
            } catch (NumberFormatException | DateTimeException e) {
                throw new Refusal(200, "", "not a number, or not a time: " + e.getMessage(), Optional.empty());
            } finally {
                pace.end();
            }
        });
    }

    private synchronized S3Client client() {
        if (client == null) {
            client = S3Client.builder()
                    // This endpoint and no other, whatever AWS_ENDPOINT_URL or a profile say.
                    .endpointOverride(endpoint)
                    .region(Region.of(region))
                    .dualstackEnabled(false).fipsEnabled(false)
                    .credentialsProvider(credentials)
                    .forcePathStyle(true)
                    // Garage, Ceph and others refuse the checksums that newer SDKs send by default,
                    // and want for a deletion the Content-MD5 that these leave out.
                    .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                    .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
                    .addPlugin(LegacyMd5Plugin.create())
                    .overrideConfiguration(configuration -> configuration.retryStrategy(AwsRetryStrategy.doNotRetry())
                            .addExecutionInterceptor(new Documents(endpoint.toString())))
                    .httpClientBuilder(Apache5HttpClient.builder().maxConnections(tuning.concurrency())
                            .connectionTimeout(tuning.connect()).socketTimeout(tuning.idle())
                            .tlsTrustManagersProvider(network::trusted).proxyConfiguration(proxy()))
                    .build();
        }
        return client;
    }

    private ProxyConfiguration proxy() {
        ProxyConfiguration.Builder proxy = ProxyConfiguration.builder().useSystemPropertyValues(false).useEnvironmentVariableValues(false);
        network.proxy(endpoint).ifPresent(by -> {
            proxy.endpoint(URI.create(by.toString()));
            by.user().ifPresent(user -> proxy.username(user).password(by.password()).preemptiveBasicAuthenticationEnabled(true));
        });
        return proxy.build();
    }

    @Override
    public synchronized void close() {
        if (client != null) {
            client.close();
        }
    }
}
