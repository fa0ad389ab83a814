Feature: Pages of other origins
  Browsers let a page read from another origin only what that allows. A bucket allows what its rules say, and nothing where it
  has none.

  Background:
    Given a bucket "shared"
    And "a.txt" was put into the bucket "shared"

  Scenario: A bucket without rules allows no page
    When a page of "https://app.example" asks whether it may GET "a.txt" in the bucket "shared"
    Then the browser gets 403 with "CORSResponse: CORS is not enabled for this bucket."
    And no page is allowed

  Scenario: The first rule that fits decides
    Given the bucket "shared" has the cross-origin rules
      """
      {"AllowedOrigins": ["https://*.example"], "AllowedMethods": ["GET", "PUT"]},
      {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}
      """
    When a page of "https://app.example" asks whether it may PUT "a.txt" in the bucket "shared"
    Then the page of "https://app.example" is allowed
    When a page of "https://other.test" asks whether it may GET "a.txt" in the bucket "shared"
    Then the page of "https://other.test" is allowed
    When a page of "https://other.test" asks whether it may PUT "a.txt" in the bucket "shared"
    Then the browser gets 403 with "AccessForbidden"

  Scenario: Answers tell who may read them
    Given the bucket "shared" has the cross-origin rules
      """
      {"AllowedOrigins": ["https://app.example"], "AllowedMethods": ["GET"]}
      """
    And everyone may read of the bucket "shared"
    When a page of "https://app.example" reads "a.txt" in the bucket "shared"
    Then the page of "https://app.example" is allowed
    When a page of "https://other.test" reads "a.txt" in the bucket "shared"
    Then the browser gets 200 with "hello"
    And no page is allowed

  Scenario: Rules must make sense
    When I give the bucket "shared" the cross-origin rules
      """
      {"AllowedOrigins": ["*"], "AllowedMethods": ["PATCH"]}
      """
    Then the call fails with "InvalidRequest"
    When I give the bucket "shared" the cross-origin rules
      """
      {"AllowedOrigins": ["https://*.*.example"], "AllowedMethods": ["GET"]}
      """
    Then the call fails with "InvalidRequest"
    When I ask for the rules of the bucket "shared"
    Then the call fails with "NoSuchCORSConfiguration"
