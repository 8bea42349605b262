"""The API's own description for readers: Swagger UI pages, and Swagger 2.0 documents as ORES served them."""
