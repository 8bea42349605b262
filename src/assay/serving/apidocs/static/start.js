// Shows the document that the page names; nothing is sent to a validator on another host.
const place = document.getElementById("swagger");

SwaggerUIBundle({
  url: place.dataset.spec,
  domNode: place,
  deepLinking: true,
  validatorUrl: null,
  onComplete: () => place.setAttribute("aria-busy", "false"),
});
